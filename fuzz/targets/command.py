"""Any options of reassembly on the command line are a policy, or a usage error."""

from typing import Any

import click

from unpacket import Policy
from unpacket.cli.policies import policy_options


@click.command()
@policy_options()
def command(policy: Policy) -> Policy:
    """Return the policy."""
    return policy


def check(data: bytes) -> None:
    arguments = data.decode("utf-8", "replace").split("\n")
    if "--help" in arguments:
        # It would be printed.
        return
    try:
        policy: Any = command.main(arguments, "fuzz", standalone_mode=False)
    except click.ClickException as error:
        assert error.format_message()
        return
    assert isinstance(policy, Policy)
    assert policy.replace() == policy
