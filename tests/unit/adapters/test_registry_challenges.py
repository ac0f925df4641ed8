"""How the challenges of a registry are read, and to which places one may send us."""

import pytest

from release.adapters.registry_auth import (
    Challenge,
    is_trusted_target,
    merge_scopes,
    parse_challenges,
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="a, b"', [("basic", {"realm": "a, b"})]),
        (
            'BEARER Realm="https://t/x?a=1",SCOPE="repository:acme/app:pull,push"',
            [("bearer", {"realm": "https://t/x?a=1", "scope": "repository:acme/app:pull,push"})],
        ),
        (
            'Negotiate, Basic realm="b", Bearer realm="t" , error=insufficient_scope',
            [
                ("negotiate", {}),
                ("basic", {"realm": "b"}),
                ("bearer", {"realm": "t", "error": "insufficient_scope"}),
            ],
        ),
        ("NTLM TlRMTVNTUAAB==, Basic realm=b", [("ntlm", {}), ("basic", {"realm": "b"})]),
        ('Bearer realm="say \\"hi\\"", realm="twice"', [("bearer", {"realm": 'say "hi"'})]),
        ('Bearer realm="never closed', [("bearer", {})]),
        ('="x", Basic', []),
        ("", []),
    ],
)
def test_challenges_are_read_by_their_grammar(
    header: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    """Commas within quotes part nothing, names have no case, several challenges are told apart."""
    challenges = parse_challenges(header)

    assert challenges[: len(expected)] == tuple(
        Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in expected
    )


def test_scopes_of_a_challenge_are_parted_by_spaces() -> None:
    """A mount asks for two repositories in one parameter."""
    (challenge,) = parse_challenges('Bearer scope="repository:a/b:pull repository:c:pull,push"')

    assert challenge.scopes == ("repository:a/b:pull", "repository:c:pull,push")


def test_scopes_are_joined_with_the_challenged_one_first() -> None:
    """What is held is asked for again, after what is missing; each resource stands once."""
    joined = merge_scopes(
        ("repository:new:pull,push",), ("repository:old:pull", "repository:new:pull,delete")
    )

    assert joined == ("repository:new:pull,push,delete", "repository:old:pull")


@pytest.mark.parametrize(
    ("registry", "target", "expected"),
    [
        ("https://registry.example", "https://auth.example/token", True),
        ("https://registry.example", "https://registry.example:8443/token", True),
        ("https://10.0.0.5", "https://10.0.0.5/token", True),
        ("http://registry.internal", "http://registry.internal:81/token", True),
        ("http://127.0.0.1:5000", "http://localhost:5001/token", True),
        ("https://registry.example", "http://auth.example/token", False),
        ("https://registry.example", "http://registry.example/token", False),
        ("http://registry.internal", "http://elsewhere.internal/token", False),
        ("https://registry.example", "http://127.0.0.1/token", False),
        ("https://registry.example", "https://[::1]/token", False),
        ("https://registry.example", "https://169.254.169.254/latest", False),
        ("https://registry.example", "https://registry.example@evil.example/", False),
        ("https://registry.example", "file:///etc/passwd", False),
        ("https://registry.example", "/token", False),
        ("https://registry.example", "http://[", False),
    ],
)
def test_place_that_a_registry_sends_us_to_is_checked(
    registry: str, target: str, *, expected: bool
) -> None:
    """Https, the registry's own host, or loopback from loopback; never down to plain http."""
    assert is_trusted_target(registry, target) is expected
