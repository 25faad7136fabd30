"""The networks to which people may post from here: each a row of data, and how it takes a post."""
