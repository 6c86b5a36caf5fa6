"""Hosts: what gives a `Target` and shows the answers."""
