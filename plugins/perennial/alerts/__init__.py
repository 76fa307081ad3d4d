"""People are told how a night ended, and that one did not.

base.py       what is told, and what a kind of alert is
email.py ...  one kind of alert each
standing.py   how a night stands, read from the warehouse
tell.py       tells everybody who wants to know, once
"""
