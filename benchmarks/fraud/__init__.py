"""How the evidence rules do against crowds of honest people and against attacks.

`crowds.py` and `attacks.py` say what people and bots do, in the words of a browser and a mailbox; they do not
know the rules. `world.py` turns that into the rows that the site would have, `measure.py` lets the site's own
rules decide batch by batch and counts.
"""
