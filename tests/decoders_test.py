"""Tests of mirjax.inference.decoders: what a constrained decoder leaves out."""

from mirjax.inference.decoders import emitted
from mirjax.sequences.records import SequenceRecord


def test_mirnas_that_a_model_cannot_emit_are_named(caplog):
    whole = [SequenceRecord(f"m{n}", "ACGU" * 5 + "ACGU"[n]) for n in range(3)]
    again = SequenceRecord("again", whole[0].sequence)
    long = [SequenceRecord(f"long{n}", "A" * (28 + n)) for n in range(12)]
    found = emitted([*whole, again, *long], 27)
    assert found == [record.sequence for record in whole]
    (message,) = caplog.messages
    assert message.startswith("12 of 16 database miRNAs are longer than the 27 nt")
    assert message.endswith("long8, long9, …") and "\n" not in message


def test_nothing_is_said_where_nothing_is_left_out(caplog):
    record = SequenceRecord("m", "A" * 27)
    assert emitted([record], 27) == [record.sequence]
    assert not caplog.messages
