"""Hears: audio in, a :class:`speech.conversation.Conversation` out. Knows no calls, queues or
databases.
"""
