"""Proposals: acts that need two people. One operator proposes an exact act, another approves that very act.

    proposed ──▶ approved ──▶ done        carried out, exactly once, in the Change that says so
      │  │           ├──────▶ failed      the world is not what was approved any more; nothing was done
      │  │           └──────▶ expired
      │  └──▶ rejected
      └─────▶ expired

What this prevents: one person, or one stolen key, that moves what two are to answer for (I14). The act is its content, every
word of it: `digest` names it, an edit makes another digest and voids every approval, nobody approves what they proposed
themselves, and who approves says which digest they mean. A signature by an operator's own Ed25519 key goes with it where a
signer outside asks for one. Read: `states`, `digest`, `propose`, `approve`, `carry_out`,
`end`, `find`.
"""
