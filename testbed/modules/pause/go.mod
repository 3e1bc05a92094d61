module natsctl.testbed/pause

go 1.24.0
