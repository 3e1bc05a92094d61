"""`python -m natsctl`."""

from natsctl.cli import main

raise SystemExit(main())
