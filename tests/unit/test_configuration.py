"""The configuration: one file that explains itself, variables over it, flags over both."""

from dataclasses import fields, replace

import pytest

from release.core.policy import OnNewer, Policy
from release.core.values import Pointer, Sha, Tenant
from release.errors import Invalid
from release.setting_types import TokenSource
from release.settings import ForgeKind
from tests.support.configurations import (
    GITEA_RUN,
    GITLAB_RUN,
    LEAST,
    SHA,
    WITHOUT_FORGE,
    load,
    table,
)


def test_defaults_are_those_of_the_protocol() -> None:
    """What decides how a deploy goes has its defaults in one place."""
    assert Policy() == load().policy


def test_every_setting_of_policy_can_be_configured() -> None:
    """Each field of the policy follows its key."""
    lines = {
        "rollout": ("canary = ['acme']", "batch_size = 4", "soak_s = 1", "stragglers_max = 2"),
        "settle": ("budget_s = 3.5", "interval_s = 4", "confirmations = 5", "repairs_max = 6"),
        "ci": ("wait_s = 7", "interval_s = 8"),
        "lease": (
            "lease_s = 9",
            "redeploy_bound_s = 40",
            "pointer_bound_s = 41",
            "send_margin_s = 10",
            "claim_wait_s = 11",
            "retry_s = 12",
            "swap_attempts_max = 13",
            "claims_max = 14",
        ),
        "policy": (
            "superseded_by = 'head'",
            "on_newer = 'finish'",
            "superseded_exit_code = 15",
            "grace_s = 16",
            "deadline_s = 17",
        ),
    }
    text = LEAST + "".join(f"[{name}]\n" + "\n".join(keys) + "\n" for name, keys in lines.items())

    policy = load(text).policy

    default = Policy()
    for one in fields(Policy):
        assert getattr(policy, one.name) != getattr(default, one.name), one.name
    assert ((Tenant("acme"),), 3.5) == (policy.canary, policy.settle_budget_s)


def test_variable_goes_over_file_and_flag_over_both() -> None:
    """The nearer to the operator, the stronger."""
    text = table("settle", "budget_s = 1", "interval_s = 2", "confirmations = 3")
    variables = {"HEADWAY_SETTLE__INTERVAL_S": "20.5", "HEADWAY_SETTLE__CONFIRMATIONS": "30"}

    policy = load(text, variables=variables, flags={"settle.confirmations": "300"}).policy

    seen = (policy.settle_budget_s, policy.settle_interval_s, policy.confirmations)
    assert (1.0, 20.5, 300) == seen


def test_variable_holds_a_list_as_toml_or_parted_by_commas() -> None:
    """Globs that hold commas themselves are written as TOML."""
    config = load(
        variables={
            "HEADWAY_REGISTRY__REPOSITORIES": "acme/shop, acme/web",
            "HEADWAY_FORGE__REQUIRED_CONTEXTS": '["ci / {a,b}"]',
            "HEADWAY_ROLLOUT__CANARY": "",
        }
    )

    pointers = tuple(Pointer(repository=f"acme/{one}", tag="latest") for one in ("shop", "web"))
    assert pointers == config.registry.pointers
    assert ("ci / {a,b}",) == config.forge.required_contexts


def test_other_place_of_token_replaces_the_first() -> None:
    """A token has one place: a nearer one is not added to it."""
    text = table("forge", 'token = { env = "A_TOKEN" }')
    staging = text + '[environments.staging.forge]\ntoken = { file = "/run/staging" }\n'

    by_variable = load(text, variables={"HEADWAY_FORGE__TOKEN__FILE": "/run/token"})
    by_environment = load(staging, env="staging")

    assert TokenSource(file="/run/token") == by_variable.forge.token
    assert TokenSource(file="/run/staging") == by_environment.forge.token


def test_environment_is_laid_over_the_file_key_by_key() -> None:
    """What an environment does not say is as for all; its ledger is its own."""
    text = LEAST + '[environments.staging.forge]\nbranch = "staging"\n'

    config = load(text, env="staging")

    assert ("staging", "staging") == (config.environment, config.forge.branch)
    assert "https://git.example.com" == config.forge.url
    assert "refs/headway/staging" == config.ledger.ref


def test_environment_is_chosen_by_flag_then_variable_then_file() -> None:
    """The file's own name is the last resort."""
    text = f'environment = "live"\n{LEAST}[environments.a]\n[environments.b]\n'
    variables = {"HEADWAY_ENV": "a"}

    assert "b" == load(text, variables=variables, env="b").environment
    assert "a" == load(text, variables=variables).environment
    assert "live" == load(text).environment


def test_unknown_environment_lists_those_there_are() -> None:
    """A typing error must not deploy to another environment."""
    with pytest.raises(Invalid, match="expected: production or staging"):
        load(LEAST + "[environments.staging]\n", env="stagin")


def test_forge_comes_from_its_own_ci() -> None:
    """In Gitea's CI, address, repository, branch and own context need not be written down."""
    config = load(WITHOUT_FORGE, ci=GITEA_RUN)

    assert ("https://git.example.com", "acme/shop") == (config.forge.url, config.forge.repository)
    assert ("trunk", "deploy / x (push)") == (config.forge.branch, config.forge.own_context)
    assert "https://git.example.com/acme/shop.git" == config.ledger.url


def test_file_goes_over_ci() -> None:
    """What is written down is not guessed."""
    assert "main" == load(ci=GITEA_RUN).forge.branch


def test_git_takes_its_clone_address_from_any_ci() -> None:
    """Plain git works with every forge; the ledger lies beside the branch."""
    config = load(WITHOUT_FORGE, variables={"HEADWAY_FORGE__KIND": "git"}, ci=GITLAB_RUN)

    assert ForgeKind.GIT is config.forge.kind
    url = "https://gitlab.example.com/acme/shop.git"
    assert (url, url, "main") == (config.forge.url, config.ledger.url, config.forge.branch)


def test_gitea_is_not_looked_for_at_another_forge() -> None:
    """GitLab's addresses don't speak Gitea's API."""
    with pytest.raises(Invalid, match=r"forge\.url: is missing"):
        load(WITHOUT_FORGE, ci=GITLAB_RUN)


def test_variables_of_tokens_are_let_be() -> None:
    """Variables that hold tokens, by their name or because the file names them, set no key."""
    text = table("fleet", 'token = { env = "HEADWAY_FLEET_CREDENTIAL" }')
    variables = {
        "HEADWAY_FORGE_TOKEN": "t",
        "HEADWAY_REGISTRY_PASSWORD": "t",
        "HEADWAY_FLEET_CREDENTIAL": "t",
        "HEADWAY_CONFIG": "headway.toml",
        "HEADWAY_DOTENV": "headway.env",
        "PATH": "/bin",
    }

    config = load(text, variables=variables)

    assert "headway.env" == config.ci.dotenv


def test_tag_of_image_follows_its_pattern() -> None:
    """{sha7} and {sha} stand for the commit."""
    registry = load().registry

    assert "staging-7f25373" == registry.tag_of(Sha(SHA))
    assert f"x-{SHA}" == replace(registry, image_tag_pattern="x-{sha}").tag_of(Sha(SHA))


def test_newer_job_may_be_told_to_wait() -> None:
    """A flag reaches the policy by the words of the protocol."""
    assert OnNewer.FINISH is load(flags={"policy.on_newer": "finish"}).policy.on_newer
