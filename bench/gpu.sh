#!/usr/bin/env bash
# Tests the GPU backend and measures it, on a machine with a GPU and nothing else on it.
#
#   bench/gpu.sh SDK RESULTS [CASES]           builds, and runs
#   bench/gpu.sh --pack SDK FOLDER             builds, and copies all that a run needs to a folder
#   bench/gpu.sh --packed FOLDER RESULTS [CASES]
#                                              runs what such a folder holds: with java alone, and no network
#
# SDK      a TornadoVM SDK, as an archive (.tar.gz, .zip) or a folder (docs/tornadovm.md)
# RESULTS  the folder that results are written to, made anew if it is not there
# CASES    a regular expression for the cases of the table (default: all)
#
#   TELLTALE_GPU_SECONDS  how long a run may take (default: 660), building not counted
#   TELLTALE_JAVA         the java of a run (default: that of JAVA_HOME, or of the PATH)
#
# A run has four parts, each with its share of the time: kernels (every kernel against the reference), table (models and products
# beside the processors), models (golden values of small models), operators (golden values of operators, as many as there is time for).
# Writes environment.txt, PART.log and summary.md. Ends with 1 when a part failed; what was measured until then is there.
set -u

usage() {
  sed -n '4,20s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

fail() {
  echo "gpu.sh: $1" >&2
  exit 2
}

# find_sdk ARCHIVE|FOLDER PLACE: sets TORNADOVM_HOME; an archive is unpacked to the place.
find_sdk() {
  local sdk=$1 launcher
  case $1 in
    *.tar.gz | *.tgz) sdk=$2 && mkdir -p "$sdk" && tar -xzf "$1" -C "$sdk" || fail "$1 cannot be unpacked" ;;
    *.zip) sdk=$2 && mkdir -p "$sdk" && unzip -qo "$1" -d "$sdk" || fail "$1 cannot be unpacked" ;;
  esac
  # An archive holds the SDK in a folder of its own, whatever that is called.
  launcher=$(find -L "$sdk" -type f -name tornado -path '*/bin/tornado' 2>/dev/null | head -n 1)
  [ -n "$launcher" ] || fail "$1 holds no bin/tornado"
  TORNADOVM_HOME=$(cd -P "$(dirname "$launcher")/.." && pwd)
  export TORNADOVM_HOME
  # The flags are written for the place where the SDK lies now.
  if [ -f "$TORNADOVM_HOME/tornado-argfile.template" ]; then
    sed "s|\${TORNADOVM_HOME}|$TORNADOVM_HOME|g" "$TORNADOVM_HOME/tornado-argfile.template" >"$TORNADOVM_HOME/tornado-argfile"
  fi
  [ -f "$TORNADOVM_HOME/tornado-argfile" ] || fail "$TORNADOVM_HOME has no tornado-argfile"
}

# Sets java: a Java 25 or later.
find_java() {
  local each version
  for each in "${TELLTALE_JAVA:-}" "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java)" /usr/lib/jvm/*/bin/java /opt/*/bin/java; do
    [ -n "$each" ] && [ -x "$each" ] || continue
    version=$("$each" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    if [ "${version:-0}" -ge 25 ]; then
      java=$each
      return
    fi
  done
  fail "no Java 25 or later: set TELLTALE_JAVA to one"
}

# pack FOLDER: classes, jars, golden values and the SDK.
pack() {
  local to=$1 entry number=0 list
  mkdir -p "$to/classes" "$to/jars" && to=$(cd -P "$to" && pwd) || fail "$1 cannot be written"
  rm -rf "${to:?}/classes" "$to/jars" "$to/golden" "$to/sdk"
  mkdir -p "$to/classes" "$to/jars" "$to/golden"
  echo "gpu.sh: building ..." >&2
  (cd "$root" && mvn -q -B -Ptornado -DskipTests -Dspotless.check.skip -Dexec.skip=true -pl bench -am test-compile \
    dependency:build-classpath -Dmdep.includeScope=test -Dmdep.outputFile=target/gpu.classpath) >"$to/build.log" 2>&1 ||
    fail "the build failed; all that it said is in $to/build.log"
  # such a file has no end of line
  list=$(cd "$root" && for entry in kernels/tornado/target/{,sdk/}gpu.classpath {models,bench}/target/gpu.classpath; do
    if [ -f "$entry" ]; then tr ':' '\n' <"$entry" && echo; fi
  done | sort -u)
  for entry in $list; do
    case $entry in
      *.jar) case $entry in "$TORNADOVM_HOME"/* | *jmh-generator* | *pytorch* | *djl* | *onnxruntime*) ;; *) cp "$entry" "$to/jars/" || fail "$entry cannot be copied" ;; esac ;;
    esac
  done
  for entry in engine kernels/tornado kernels/vector weights-converter models src bench; do
    for number in "$root/$entry"/target/{sdk/,}{classes,test-classes}; do
      case $number in */kernels/tornado/target/classes | */kernels/tornado/target/test-classes) continue ;; esac
      [ -d "$number" ] && cp -r "$number" "$to/classes/$(echo "$entry" | tr / -)-$(basename "$number")"
    done
  done
  cp -r "${TELLTALE_GOLDEN:-$root/../shared/golden}"/{ops,bert,blip,clip,cnn,captioner} "$to/golden/" 2>/dev/null ||
    echo "gpu.sh: there are no golden values at ${TELLTALE_GOLDEN:-$root/../shared/golden}; those parts will say so" >&2
  # dereferenced: an SDK can be a link
  cp -rL "$TORNADOVM_HOME" "$to/sdk"
  git -C "$root" describe --always --dirty --abbrev=12 >"$to/commit" 2>/dev/null
  cp "$root/bench/gpu.sh" "$to/"
  echo "gpu.sh: packed $(du -sh "$to" | cut -f 1) in $to" >&2
}

# packed FOLDER RESULTS CASES
packed() {
  local from results cases=$3 seconds=${TELLTALE_GPU_SECONDS:-660} java= jars=
  from=$(cd -P "$1" && pwd) || fail "$1 is not there"
  mkdir -p "$2" && results=$(cd -P "$2" && pwd) || fail "$2 cannot be written"
  find_sdk "$from/sdk" "$results/sdk"
  find_java
  for entry in "$from"/classes/* "$from"/jars/*.jar; do jars=${jars:+$jars:}$entry; done
  jvm=("$java" "@$TORNADOVM_HOME/tornado-argfile" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED
    -Xlog:disable "-Dtelltale.golden=$from/golden" -Dtelltale.backends=gpu "-Dbench.gpu=$cases" -cp "$jars")
  cd "$from" || exit 2
  {
    date -u +%Y-%m-%dT%H:%M:%SZ
    cat commit 2>/dev/null
    uname -a
    grep -m 1 'model name' /proc/cpuinfo
    nproc
    command -v nvidia-smi >/dev/null && timeout 20 nvidia-smi
    command -v clinfo >/dev/null && timeout 20 clinfo -l
    timeout 60 "${jvm[@]}" org.telltale.app.Main info
  } >"$results/environment.txt" 2>&1
  failed=0
  local tests=org.telltale.kernels.tornado models=org.telltale.models run=org.telltale.engine.testing.TestRun
  part kernels $((seconds * 20 / 100)) $run $((seconds * 18 / 100)) $tests.GpuOpTest $tests.GpuProgramTest $tests.ResidenceTest
  part table $((seconds * 45 / 100)) org.telltale.bench.Main gpu "$from"
  part models $((seconds * 20 / 100)) $run $((seconds * 18 / 100)) $models.CnnGoldenTest $models.BertGoldenTest \
    $models.ClipGoldenTest $models.BlipGoldenTest $models.AttentionGruGoldenTest
  part operators $((seconds * 15 / 100)) $run $((seconds * 13 / 100)) $tests.GpuOpsGoldenTest
  {
    echo "$(date -u +%Y-%m-%d), \`bench/gpu.sh\` at $(cat commit 2>/dev/null)"
    echo
    grep '^device' "$results/environment.txt"
    for name in kernels models operators; do
      echo
      echo "$name: $(grep '^Tests:' "$results/$name.log" || echo "ended by the limit after $(grep -c '^ok' "$results/$name.log") passed tests")"
      grep '^FAILED' "$results/$name.log" | cut -c 1-300
    done
    echo
    grep '^|' "$results/table.log"
  } >"$results/summary.md"
  cat "$results/summary.md"
  exit $failed
}

part() { # part NAME SECONDS CLASS ARGUMENTS...: runs it, keeps what it says, and goes on when it fails
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  echo "gpu.sh: $name, $limit s at most ..." >&2
  timeout -k 5 "$limit" "${jvm[@]}" "$@" >"$results/$name.log" 2>&1
  case $? in
    0) echo "gpu.sh: $name done in $((SECONDS - begin)) s" >&2 ;;
    2 | 124 | 137) echo "gpu.sh: $name ended by its limit after $((SECONDS - begin)) s" >&2 ;;
    *)
      echo "gpu.sh: $name FAILED after $((SECONDS - begin)) s, see $results/$name.log" >&2
      failed=1
      ;;
  esac
}

[ $# -ge 2 ] || usage
root=$(cd -P "$(dirname "$0")/.." && pwd)
case $1 in
  --pack)
    [ $# -eq 3 ] || usage
    mkdir -p "$3" && place=$(cd -P "$3" && pwd) || fail "$3 cannot be written"
    find_sdk "$2" "$place/unpacked"
    pack "$place"
    rm -rf "$place/unpacked"
    ;;
  --packed)
    [ $# -ge 3 ] || usage
    packed "$2" "$3" "${4:-}"
    ;;
  *)
    mkdir -p "$2" && results=$(cd -P "$2" && pwd) || fail "$2 cannot be written"
    find_sdk "$1" "$results/unpacked"
    pack "$results/packed"
    packed "$results/packed" "$results" "${3:-}"
    ;;
esac
