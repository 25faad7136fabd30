"""From the last head to the prize: the gate, two people, an appeal, and what the money did."""
