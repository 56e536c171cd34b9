#!/usr/bin/env bash
# Tests the GPU backend and measures it, on a machine with a GPU and nothing else on it.
#
#   bench/gpu.sh SDK RESULTS [CASES]
#
# SDK      a TornadoVM SDK, as an archive (.tar.gz, .zip) or a folder (docs/tornadovm.md)
# RESULTS  the folder that results are written to, made anew if it is not there
# CASES    a regular expression for the cases of the table (default: all)
#
# Writes environment.txt, parity-kernels.txt, parity-models.txt, table.md, and the logs they were made of. Ends with 1 when a part failed;
# what was measured until then is there.
set -u

usage() {
  sed -n '4,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
[ $# -ge 2 ] || usage
root=$(cd -P "$(dirname "$0")/.." && pwd)
mkdir -p "$2" && results=$(cd -P "$2" && pwd) || exit 2
cases=${3:-}

case $1 in
  *.tar.gz | *.tgz) sdk=$results/sdk && mkdir -p "$sdk" && tar -xzf "$1" -C "$sdk" || exit 2 ;;
  *.zip) sdk=$results/sdk && mkdir -p "$sdk" && unzip -qo "$1" -d "$sdk" || exit 2 ;;
  *) sdk=$1 ;;
esac
# An archive holds the SDK in a folder of its own, whatever that is called.
launcher=$(find -L "$sdk" -type f -name tornado -path '*/bin/tornado' 2>/dev/null | head -n 1)
[ -n "$launcher" ] || { echo "gpu.sh: $1 holds no bin/tornado" >&2; exit 2; }
TORNADOVM_HOME=$(cd -P "$(dirname "$launcher")/.." && pwd)
export TORNADOVM_HOME
# The flags are written for the place where the SDK lies now.
if [ -f "$TORNADOVM_HOME/tornado-argfile.template" ]; then
  sed "s|\${TORNADOVM_HOME}|$TORNADOVM_HOME|g" "$TORNADOVM_HOME/tornado-argfile.template" >"$TORNADOVM_HOME/tornado-argfile"
fi
[ -f "$TORNADOVM_HOME/tornado-argfile" ] || { echo "gpu.sh: $TORNADOVM_HOME has no tornado-argfile" >&2; exit 2; }
cd "$root" || exit 2

failed=0
part() { # part NAME COMMAND...: runs it, keeps what it says, and goes on when it fails
  local name=$1 begin=$SECONDS
  shift
  echo "gpu.sh: $name ..." >&2
  if "$@" >"$results/$name.log" 2>&1; then
    echo "gpu.sh: $name done in $((SECONDS - begin)) s" >&2
  else
    echo "gpu.sh: $name FAILED after $((SECONDS - begin)) s, see $results/$name.log" >&2
    failed=1
  fi
}
counts() { # the lines of a Maven log that count tests, name failures, or end it
  grep -E 'Tests run:|FAIL|BUILD|golden' "$results/$1.log" >"$results/$1.txt"
}

{
  date -u +%Y-%m-%dT%H:%M:%SZ
  git describe --always --dirty --abbrev=12 2>/dev/null
  uname -a
  grep -m 1 'model name' /proc/cpuinfo
  nproc
  command -v nvidia-smi >/dev/null && nvidia-smi
  command -v clinfo >/dev/null && clinfo -l
  "$launcher" --devices
} >"$results/environment.txt" 2>&1
# builds first
part info ./telltale info
cat "$results/info.log" >>"$results/environment.txt"

quick=(-B -Ptornado -Dspotless.check.skip -Dsurefire.failIfNoSpecifiedTests=false)
part parity-kernels mvn "${quick[@]}" -pl kernels/tornado -am test '-Dtest=Gpu*'
counts parity-kernels
part parity-models mvn "${quick[@]}" -pl models -am test -Dtelltale.backends=gpu \
  '-Dtest=CnnGoldenTest,BertGoldenTest,ClipGoldenTest,BlipGoldenTest,AttentionGruGoldenTest'
counts parity-models
part table mvn "${quick[@]}" -DskipTests -pl bench -am "-Dbench.gpu=$cases"
{
  echo "$(date -u +%Y-%m-%d), \`bench/gpu.sh\` at $(git describe --always --dirty --abbrev=12 2>/dev/null)"
  echo
  sed -n '/GFLOP/,$p' "$results/table.log" | grep '^|'
} >"$results/table.md"
cat "$results/table.md"
exit $failed
