#!/usr/bin/env bash
# Set up what is missing; train, evaluate and predict on simulated data; scan real 3'UTRs.
#
#   scripts/quickstart.sh [FOLDER]        results go to FOLDER, ./quickstart by default
set -euo pipefail

usage="usage: $0 [FOLDER]    results go to FOLDER, ./quickstart by default"
case "$#,${1:-}" in
  1,-h | 1,--help) echo "$usage" && exit ;;
  *,-* | [2-9]*) echo "$usage" >&2 && exit 2 ;;
esac
root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
out="${1:-quickstart}"
mkdir -p -- "$out"
out="$(CDPATH='' cd -- "$out" && pwd)"

step() {
  printf '\n== %s\n' "$*"
}

step "[1/6] Set up: .venv and BLAST+"
"$root/scripts/setup.sh"
python="$root/.venv/bin/python"
cd "$root"

step "[2/6] Train a small seq2seq on simulated miRNA-target pairs"
"$python" -m mirjax.train --config=configs/seq2seq.py:simulated --workdir="$out"

step "[3/6] Evaluate it on pairs that it was not trained on"
"$python" -m mirjax.evaluate --model="$out" --data=simulated --out="$out/evaluation"

step "[4/6] Write target sites that it has not seen, and the miRNA database"
"$python" scripts/write_example.py --out="$out/example"

step "[5/6] Predict the miRNA of each site and name it by BLAST"
"$python" -m mirjax.predict --model="$out" --targets="$out/example/targets.fa" \
  --db="$out/example/mirnas.fa" --out="$out/mirnas.tsv"

step "[6/6] Scan pieces of human 3'UTRs by the model that comes with mirjax"
"$python" -m mirjax.scan --mirnas=hsa-miR-21-5p,hsa-miR-17-5p,hsa-miR-20a-5p \
  --targets="$out/example/utrs.fa" --out="$out/sites.tsv" \
  --duplexes="$out/duplexes.txt" --report="$out/report.html"

step "The first predictions (a site is named after the miRNA it was made for)"
awk -F '\t' '
  NR <= 16 {
    for (i = 1; i <= NF; i++) {
      cell[NR, i] = $i
      if (length($i) > width[i]) width[i] = length($i)
    }
    rows = NR
    columns = NF
  }
  END {
    for (row = 1; row <= rows; row++) {
      line = ""
      for (i = 1; i <= columns; i++)
        line = line sprintf("%-" (width[i] + 2) "s", cell[row, i])
      sub(/ +$/, "", line)
      print line
    }
  }
' "$out/mirnas.tsv"

step "The sites that were found in the 3'UTRs (those of PDCD4 and E2F1 are known)"
cat "$out/duplexes.txt"

step "Where everything lies"
cat <<END
  $out/mirnas.tsv    the predictions, one row a site
  $out/report.html   the scan of the 3'UTRs, to look at; $out/sites.tsv its table
  $out/evaluation    every metric beside its baselines
  $out/example       the sites and the miRNA database, FASTA
  $out               the trained model, its checkpoints and metrics.jsonl
END
