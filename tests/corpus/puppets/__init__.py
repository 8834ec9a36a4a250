"""TLS peers that do as a script tells them: right in everything that the script does not change."""
