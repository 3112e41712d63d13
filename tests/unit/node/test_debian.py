from pathlib import Path

import pytest

from node.devnet.debian import AptSource, ProgramUnavailable, machine_sources, parse_deb822, parse_one_line

DEB822 = """\
# a comment before everything
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/one.gpg

Types: deb
URIs: http://mirror.example/debian-security
# a comment between
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/key.gpg] http://other.example/repo bookworm stable  # not Debian's main
deb http://mirror.example/debian bookworm main contrib
  deb [ trusted=no ]   http://mirror.example/debian-security   bookworm-security main # security
"""

BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_CODENAME=bookworm\n'


def test_stanzas_are_read_with_their_keys_and_without_what_is_off() -> None:
    main, security = parse_deb822(DEB822)
    assert main == AptSource(
        "http://mirror.example/debian",
        ("bookworm", "bookworm-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/one.gpg",
    )
    assert security.suites == ("bookworm-security",)
    assert security.keyring is not None
    assert security.keyring.splitlines() == ["", " -----BEGIN PGP PUBLIC KEY BLOCK-----", " .", " abc"]


def test_one_line_entries_are_read_with_their_options() -> None:
    other, main, security = parse_one_line(ONE_LINE)
    assert other == AptSource("http://other.example/repo", ("bookworm",), ("stable",), "/etc/key.gpg")
    assert main == AptSource("http://mirror.example/debian", ("bookworm",), ("main", "contrib"))
    assert security == AptSource("http://mirror.example/debian-security", ("bookworm-security",), ("main",))


def machine(folder: Path, *, release: str = BOOKWORM, sources: str = "", stanzas: str = "") -> tuple[Path, Path]:
    (folder / "sources.list.d").mkdir()
    (folder / "sources.list").write_text(sources)
    (folder / "sources.list.d" / "debian.sources").write_text(stanzas)
    (folder / "sources.list.d" / "debian.sources.save").write_text(DEB822)
    (folder / "os-release").write_text(release)
    return folder, folder / "os-release"


@pytest.mark.parametrize(("sources", "stanzas"), [(ONE_LINE, ""), ("", DEB822)])
def test_the_main_archive_comes_first_and_third_parties_are_left_out(
    tmp_path: Path, sources: str, stanzas: str
) -> None:
    found = machine_sources(*machine(tmp_path, sources=sources, stanzas=stanzas))
    assert found[0].uri == "http://mirror.example/debian"
    assert found[0].suites == ("bookworm",)
    assert found[-1].suites == ("bookworm-security",)
    assert all(source.components == ("main",) for source in found)


@pytest.mark.parametrize(
    ("release", "sources", "reason"),
    [
        ("ID=ubuntu\nVERSION_CODENAME=noble\n", ONE_LINE, "not a Debian machine"),
        ("ID=debian\n", ONE_LINE, "not a Debian machine"),
        (BOOKWORM, "", "name no main archive of Debian bookworm"),
        (BOOKWORM, "deb http://mirror.example/debian bookworm-updates main\n", "name no main archive"),
        (BOOKWORM, "deb http://mirror.example/debian bookworm contrib\n", "name no main archive"),
    ],
)
def test_a_machine_without_debians_archive_is_told_so_in_one_line(
    tmp_path: Path, release: str, sources: str, reason: str
) -> None:
    with pytest.raises(ProgramUnavailable, match=reason) as refused:
        machine_sources(*machine(tmp_path, release=release, sources=sources))
    assert "\n" not in str(refused.value)
