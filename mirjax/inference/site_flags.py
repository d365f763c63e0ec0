"""Flags of predict: decoding of sites, and selection of sites in transcripts."""

from absl import flags

from mirjax.inference.options import DECODERS, PredictOptions

OF_TRANSCRIPTS = ("segments", "accessible", "max_energy", "by_transcript")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Define the flags."""
    _define_site_flags(flag_values)
    _define_transcript_flags(flag_values)


def _define_site_flags(flag_values: flags.FlagValues) -> None:
    default = PredictOptions()
    flags.DEFINE_enum(
        "decoder",
        default.decoder,
        DECODERS,
        "greedy: the most probable letter at every step; beam: the most probable miRNA "
        "that a beam search finds; constrained: the same, among those in --db only",
        flag_values,
    )
    flags.DEFINE_float(
        "min_log_prob",
        None,
        "leave out sites whose log_prob is lower",
        flag_values=flag_values,
    )
    for name, purpose in (
        (
            "top",
            "write this many sites, those of the highest log_prob, best first; 0: all, "
            "in the order of the targets",
        ),
        (
            "stride",
            "nt from one window of a long record to the next. With windows of 29 nt, "
            "every site of up to 30 - stride nt lies in one window",
        ),
        ("beam_width", "prefixes that a beam keeps"),
    ):
        value = getattr(default, name)
        flags.DEFINE_integer(name, value, purpose, flag_values=flag_values)


def _define_transcript_flags(flag_values: flags.FlagValues) -> None:
    flags.DEFINE_list(
        "segments",
        [],
        "decode the segments of these lengths, in nt, at every position, as the "
        "published package does: 21,23,25. By default windows, by --stride",
        flag_values,
    )
    flags.DEFINE_bool(
        "accessible",
        False,
        "leave out sites in folded transcripts: those without 8 letters that are all "
        "unpaired with a probability above 0.01, where pairs span 60 nt at most and "
        "120 nt are folded at a time. Needs ViennaRNA (mirjax[fold])",
        flag_values,
    )
    flags.DEFINE_float(
        "max_energy",
        None,
        "leave out sites whose best duplex with the decoded miRNA has a free energy "
        "above this, in kcal/mol, such as -3. Needs ViennaRNA (mirjax[fold])",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "by_transcript",
        None,
        "write another table, with a row for each miRNA of each transcript: known or "
        "novel, its best log_prob and E-value, and the positions of its sites",
        flag_values,
    )


def segment_sizes(flag_values: flags.FlagValues) -> tuple[int, ...]:
    """Return the lengths that --segments gives, in nt.

    Raises:
      ValueError: if one is not a number, or --stride is given too.
    """
    given = flag_values.segments
    if given and flag_values["stride"].present:
        raise ValueError("--segments are at every position; drop --stride")
    for size in given:
        if not (size.isascii() and size.isdecimal()):
            raise ValueError(f"--segments: {size!r} is not a length in nt")
    return tuple(map(int, given))
