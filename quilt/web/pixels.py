"""An SVG from standard input as a PNG on standard output, in the typeface that the site brings along.

usage: python -m quilt.web.pixels WIDTH
"""

import sys

import font_source_sans_pro
import resvg_py

TYPEFACE = "Source Sans Pro"


def main() -> None:
    fonts = [font_source_sans_pro.font_files_ttf[name] for name in ("SourceSansPro", "SourceSansProSemibold")]
    picture = resvg_py.svg_to_bytes(
        svg_string=sys.stdin.read(), width=int(sys.argv[1]), skip_system_fonts=True, font_files=fonts,
        font_family=TYPEFACE, sans_serif_family=TYPEFACE,
    )  # fmt: skip
    sys.stdout.buffer.write(bytes(picture))


if __name__ == "__main__":
    main()
