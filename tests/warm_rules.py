"""Imported once for all copies of the interpreter: the rules have been read."""

from seatrial import catalogue

catalogue.rules()
