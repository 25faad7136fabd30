"""The ledger's core: leaves, the Merkle tree over them (RFC 9162), proofs, signed heads, receipts, tally.

Pure: the standard library only. Time, chance, keys and signatures come in as arguments.
"""
