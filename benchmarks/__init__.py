"""Figures of natsctl, as ratios within one run wherever that is possible."""
