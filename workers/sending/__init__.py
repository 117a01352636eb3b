"""Sends one message to one address: where it may go, how it is signed, what it says. Knows no
database and no queue.
"""
