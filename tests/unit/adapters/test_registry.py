"""What the registry adapter believes of a registry's answers, and what it does not."""

import json
from collections.abc import Callable

import pytest

from release.adapters.manifest import REVISION_LABEL
from release.adapters.registry import OciRegistry
from release.adapters.registry_auth import Credentials
from release.core.values import Digest, Secret, Sha
from release.errors import HeadwayError, Invalid, Refused, Unavailable
from tests.support.images import Blob, PushedImage, blob, image, index
from tests.support.loopback import Answer, Asked, html
from tests.support.scripted_registry import ask, error, held, scripted

SHA = Sha("7f25373" + "0" * 33)
TAG = "GET /v2/acme/app/manifests/v1"
ONE = image("one")
PLAIN_404 = Answer(
    status=404, body=b"404 page not found\n", headers={"content-type": "text/plain; charset=utf-8"}
)
NOT_ACCEPTED = "OCI index found, but accept header does not support OCI indexes"


async def resolve(registry: OciRegistry) -> Digest | None:
    """Resolves the tag that the tests of `resolve` are about."""
    return await registry.resolve("acme/app", "v1")


def get(content: Blob, *, kind: str = "manifests") -> str:
    """The route of a manifest or blob by its digest."""
    return f"GET /v2/acme/app/{kind}/{content.digest}"


def annotated(text: str) -> PushedImage:
    """An image whose manifest, and not its config, has our annotation."""
    content = {"annotations": {REVISION_LABEL: text}}
    return PushedImage(
        manifest=blob(json.dumps(content).encode()), config=ONE.config, layer=ONE.layer
    )


def test_tag_resolves_while_all_four_manifest_types_are_accepted() -> None:
    """Every read of a manifest accepts all four types: else a registry says 404 to what it has."""
    server = scripted({TAG: held(ONE)})

    digest = ask(server, resolve)

    assert digest == ONE.manifest.digest
    assert server.asked[0].headers["accept"].split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]


def test_digest_is_that_of_the_content_when_no_header_names_it() -> None:
    """An old registry sends no digest; it is the hash of the bytes that came."""
    old = Answer(body=ONE.manifest.body, headers={"content-type": ONE.content_type})

    assert ask(scripted({TAG: old}), resolve) == ONE.manifest.digest


def test_content_that_does_not_match_its_digest_is_not_believed() -> None:
    """A digest header that the content contradicts is Unavailable, naming both."""
    wrong = Answer(body=ONE.manifest.body + b" ", headers=held(ONE).headers)

    with pytest.raises(Unavailable, match=str(ONE.manifest.digest)):
        ask(scripted({TAG: wrong}), resolve)


def test_content_that_does_not_match_the_digest_asked_for_is_not_believed() -> None:
    """Another manifest than the one asked for by digest is Unavailable."""
    server = scripted({get(ONE.manifest): held(image("other"))})

    with pytest.raises(Unavailable, match=str(ONE.manifest.digest)):
        ask(server, lambda registry: registry.resolve("acme/app", str(ONE.manifest.digest)))


@pytest.mark.parametrize("page", [html(200), Answer(body=b"{}")])
def test_page_in_the_place_of_a_manifest_is_not_believed(page: Answer) -> None:
    """A proxy's login page with status 200 is no manifest, whatever its hash."""
    with pytest.raises(Unavailable, match="an image manifest"):
        ask(scripted({TAG: page}), resolve)


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN"])
def test_absence_that_the_registry_states_is_none(code: str) -> None:
    """A 404 with the registry's own code for an unknown tag or repository is absence."""
    assert ask(scripted({TAG: error(404, code)}), resolve) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("code", ["UNKNOWN", "MANIFEST_UNKNOWN"])
def test_server_error_is_never_absence(status: int, code: str) -> None:
    """A 5xx on a tag, common while it is being written, is Unavailable after retry, never None."""
    server = scripted({TAG: error(status, code)})

    with pytest.raises(Unavailable):
        ask(server, resolve)

    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN_404,
        html(404),
        error(404, "MANIFEST_UNKNOWN", NOT_ACCEPTED),
        error(404, "PROJECT_DISABLED"),
        Answer(status=404, body=b'{"errors": []}'),
        Answer(status=404, body=b'{"errors": [{"code": "MANIFEST_UNKNOWN"}, {"code": "DENIED"}]}'),
        Answer(status=404),
        error(400, "MANIFEST_UNKNOWN"),
        error(410, "MANIFEST_UNKNOWN"),
        error(403, "DENIED"),
        Answer(status=307, headers={"location": "https://elsewhere.example/"}),
    ],
)
def test_absence_that_is_not_proven_is_refused(answer: Answer) -> None:
    """Any other no, and a 404 that is not the registry's own word, is Refused, never None."""
    with pytest.raises(Refused):
        ask(scripted({TAG: answer}), resolve)


@pytest.mark.parametrize(
    ("repository", "reference"),
    [
        ("Acme/app", "v1"),
        ("acme/../app", "v1"),
        ("acme//app", "v1"),
        ("", "v1"),
        ("acme/app", "../../x"),
        ("acme/app", "sha256:abc"),
        ("acme/app", "v1?n=1"),
    ],
)
def test_name_that_no_registry_can_hold_is_not_asked_for(repository: str, reference: str) -> None:
    """A name outside the grammar is Invalid, before it could reach another path."""
    server = scripted({})

    with pytest.raises(Invalid):
        ask(server, lambda registry: registry.resolve(repository, reference))

    assert server.asked == []


def read_revision(pushed: Blob, *more: tuple[str, Answer]) -> Sha | None:
    """Reads the revision of a manifest from a registry that holds it and `more`."""
    answer = Answer(body=pushed.body, headers={"content-type": ONE.content_type})
    server = scripted({get(pushed): answer, **dict(more)})
    return ask(server, lambda registry: registry.revision("acme/app", pushed.digest))


def test_revision_is_read_from_the_label_of_an_image() -> None:
    """Without annotations the config blob's label counts."""
    labelled = image("labelled", labels={REVISION_LABEL: str(SHA)})
    config = (get(labelled.config, kind="blobs"), Answer(body=labelled.config.body))

    assert read_revision(labelled.manifest, config) == SHA


def test_label_inherited_from_a_base_image_is_not_taken_for_ours() -> None:
    """`org.opencontainers.image.revision` may be the base image's commit: it is not looked at."""
    based = image("based", labels={"org.opencontainers.image.revision": str(SHA)})
    config = (get(based.config, kind="blobs"), Answer(body=based.config.body))

    assert read_revision(based.manifest, config) is None


@pytest.mark.parametrize("text", ["7f25373", "main", str(SHA).upper()])
def test_revision_that_is_no_full_commit_id_is_none(text: str) -> None:
    """What can't be compared by ancestry is no revision."""
    assert read_revision(annotated(text).manifest) is None


@pytest.mark.parametrize(
    "document",
    [
        {"annotations": {REVISION_LABEL: str(SHA)}, "manifests": []},
        {"manifests": [{}, {"annotations": {REVISION_LABEL: str(SHA)}}]},
    ],
)
def test_revision_of_an_index_is_read_from_its_annotations(document: object) -> None:
    """The index's own annotations count, then those of the images that it lists."""
    assert read_revision(blob(json.dumps(document).encode())) == SHA


def test_revision_of_an_index_is_that_of_its_first_image() -> None:
    """An attestation, listed beside the images, has no label and is passed over."""
    first = annotated(str(SHA))
    listed = [
        {"digest": str(ONE.manifest.digest), "platform": {"architecture": "unknown"}},
        {"digest": str(first.manifest.digest), "platform": {"architecture": "arm64"}},
    ]

    revision = read_revision(
        blob(json.dumps({"manifests": listed}).encode()), (get(first.manifest), held(first))
    )

    assert revision == SHA


def test_index_within_index_is_followed_a_bounded_number_of_times() -> None:
    """Indexes nested deeper than anybody builds have no revision."""
    deepest = annotated(str(SHA))
    held_by = [deepest]
    for _ in range(3):
        outer = index(held_by[-1])
        held_by.append(PushedImage(manifest=outer.manifest, config=ONE.config, layer=ONE.layer))
    routes = [(get(one.manifest), held(one)) for one in held_by]

    assert read_revision(held_by[-2].manifest, *routes) == SHA
    assert read_revision(held_by[-1].manifest, *routes) is None


@pytest.mark.parametrize("body", [b"[]", b"\xff", b'{"config": 3}', b'{"config": {"digest": 3}}'])
def test_manifest_that_says_nothing_has_no_revision(body: bytes) -> None:
    """Content that matches its digest and has no config is no error."""
    assert read_revision(blob(body)) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(body=b"other"), Unavailable),
        (html(404), Refused),
        (error(500, "BLOB_UNKNOWN"), Unavailable),
        (Answer(status=307, headers={"location": "http://169.254.169.254/x"}), Refused),
        (Answer(status=307, headers={"location": "http://[/"}), Refused),
        (Answer(status=307), Refused),
    ],
)
def test_config_that_can_not_be_read_is_an_error(
    answer: Answer, expected: type[HeadwayError]
) -> None:
    """A revision that could not be looked up is not the absence of one."""
    with pytest.raises(expected):
        read_revision(ONE.manifest, (get(ONE.config, kind="blobs"), answer))


def test_config_is_read_from_storage_without_our_credentials() -> None:
    """A blob behind a redirect is read with the address as it is signed, and without a password."""
    labelled = image("labelled", labels={REVISION_LABEL: str(SHA)})
    storage = scripted({"GET /bucket/x": Answer(body=labelled.config.body)})
    known = Credentials(username="robot", password=Secret("pw-7c2e91"))  # Made up.

    def guarded(answer: Callable[[], Answer]) -> Callable[[Asked], Answer]:
        challenge = Answer(status=401, headers={"www-authenticate": "Basic"})
        return lambda asked: answer() if "authorization" in asked.headers else challenge

    def redirect() -> Answer:
        location = {"location": f"{storage.url}/bucket/x?signature=a%2Fb"}
        return Answer(status=307, headers=location)

    server = scripted(
        {
            get(labelled.manifest): guarded(lambda: held(labelled)),
            get(labelled.config, kind="blobs"): guarded(redirect),
        }
    )

    async def story(registry: OciRegistry) -> Sha | None:
        async with storage:
            return await registry.revision("acme/app", labelled.manifest.digest)

    assert ask(server, story, credentials=known) == SHA
    assert [asked.target for asked in storage.asked] == ["/bucket/x?signature=a%2Fb"]
    assert "authorization" not in storage.asked[0].headers


def test_config_that_the_registry_does_not_hold_has_no_revision() -> None:
    """A broken image, whose config is stated to be absent, has no revision."""
    absent = (get(ONE.config, kind="blobs"), error(404, "BLOB_UNKNOWN"))

    assert read_revision(ONE.manifest, absent) is None
