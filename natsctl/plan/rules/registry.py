"""Every rule, in the order of stages; within one stage, in the order of priority."""

from __future__ import annotations

from typing import Final

from natsctl.plan.rules import (
    ended_pods,
    members,
    recovery,
    rolling_update,
    rule,
    volume_renewal,
)
from natsctl.plan.rules import reload as reloading
from natsctl.plan.rules import scale_down as scaling_down
from natsctl.plan.rules.claim_growth import grow_claims, next_growth_in
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.disruption_budget import ensure_budget
from natsctl.plan.rules.empty_volumes import delete_given_up, make_empty, start_empty
from natsctl.plan.rules.ended_pods import remove_ended
from natsctl.plan.rules.go_operator import adopt_servers
from natsctl.plan.rules.jetstream import look_at_streams
from natsctl.plan.rules.members import await_leader, await_members, note_departures, remove_members
from natsctl.plan.rules.owned_objects import delete_unwanted, ensure_objects
from natsctl.plan.rules.proof import note_proof
from natsctl.plan.rules.recovery import recover_servers
from natsctl.plan.rules.reload import reload_servers
from natsctl.plan.rules.reseal import reseal_servers
from natsctl.plan.rules.rolling_update import replace_outdated
from natsctl.plan.rules.rule import Rule
from natsctl.plan.rules.scale_down import scale_down
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.rules.service_roles import update_role_statuses
from natsctl.plan.rules.tokens import bind_tokens, next_token_in, remove_tokens
from natsctl.plan.rules.volume_renewal import note_renewals, renew_volumes

RULES: Final[tuple[Rule, ...]] = (
    Rule(remove_tokens, rule.TOKENS),
    Rule(bind_tokens, rule.TOKENS, again=next_token_in),
    Rule(reseal_servers, rule.SEALS),
    Rule(adopt_servers, rule.ADOPTION),
    Rule(ensure_objects, rule.OBJECTS),
    Rule(delete_unwanted, rule.OBJECTS),
    Rule(ensure_claims, rule.OBJECTS),
    Rule(note_renewals, rule.OBJECTS),
    Rule(delete_given_up, rule.OBJECTS),
    Rule(make_empty, rule.OBJECTS),
    Rule(ensure_budget, rule.OBJECTS),
    Rule(note_departures, rule.OBJECTS),
    Rule(note_claims, rule.SERVERS),
    Rule(remove_ended, rule.SERVERS, ended_pods.PROGRESS),
    Rule(scale_up, rule.SERVERS),
    Rule(start_empty, rule.SERVERS),
    Rule(reload_servers, rule.SERVERS, reloading.PROGRESS),
    Rule(remove_members, rule.REMOVAL, members.REMOVING),
    Rule(recover_servers, rule.REMOVAL, recovery.PROGRESS),
    Rule(scale_down, rule.REMOVAL, scaling_down.PROGRESS),
    Rule(replace_outdated, rule.REMOVAL, rolling_update.PROGRESS),
    Rule(renew_volumes, rule.REMOVAL, volume_renewal.PROGRESS),
    Rule(note_proof, rule.NOTES),
    Rule(update_role_statuses, rule.NOTES),
    Rule(look_at_streams, rule.NOTES),
    Rule(grow_claims, rule.NOTES, again=next_growth_in),
    Rule(await_members, rule.NOTES, members.JOINING),
    Rule(await_leader, rule.NOTES, members.LEADERLESS),
)
