"""The rules, one file each; `planning` names them in order."""
