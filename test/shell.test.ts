/**
 * The shell's language, held beside a real bash where there is one: the same script is run by both,
 * and prints the same, byte for byte, with the same exit code. And what belongs to the house: time,
 * chance, bounds.
 */
import { spawnSync } from "node:child_process";
import type { Cluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { clusterWithClient } from "./shell-harness.js";

const test = suite("a shell at every place");

const clientCluster = (seed = 1): Cluster => clusterWithClient("", { nodes: 1, seed });
const cluster = clientCluster();
const bash = (script: string) => {
  const { stdout, status, error } = spawnSync("bash", ["-c", script], {
    encoding: "utf8",
    cwd: "/tmp",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", HOME: "/root" },
  });
  return error ? undefined : { stdout, status };
};
const hasBash = bash("true") !== undefined;

/** Scripts that a real bash answers in the same way. */
const scripts: Record<string, string[]> = {
  "words and quotes": [
    `echo a  b 'c  d' "e  f" \\$x "\\$x \\n" $'tab\\there'`,
    `x="a b"; for i in $x "$x"; do echo "<$i>"; done`,
    `set -- "a b" c; for i in "$@"; do echo "<$i>"; done; for i in $*; do echo "[$i]"; done; echo "$*" $#`,
    `set --; for i in "$@"; do echo no; done; echo "x$@y"`,
    `x=; echo "<$x>" $x "" | cat`,
    `echo {a,b}{1..3} x{,y} {01..03} {3..1} {a..e..2} {a} '{a,b}'`,
    `IFS=:; x=a::b:; for i in $x; do echo "<$i>"; done; set -- 1 2; echo "$*"`,
    `x=" a  b "; echo $x; IFS=; echo "[$x]"; set -- $x; echo $#`,
    `echo ~ ~/x a~b "~"`,
    'echo `echo a \\`echo b\\`` $(echo "$(echo c)")',
    `printf '%s\\n' "multi\nline" | wc -l`,
  ],
  expansions: [
    `x=path/to/file.tar.gz; echo \${x%.*} \${x%%.*} \${x#*/} \${x##*/} \${#x} \${x/to/from} \${x//t/T} \${x:5} \${x:5:2} \${x: -2}`,
    `unset x; echo \${x:-a b} "\${x-c}" \${x:+d} \${x:=e} $x \${x:+f}`,
    `x=abc; echo \${x^} \${x^^} \${x^^b} \${x@Q}`,
    `a=(one two three); echo \${a[1]} \${a[@]} \${#a[@]} \${!a[@]} \${a[-1]} "\${a[*]}"; a+=(four); a[7]=x; echo \${!a[@]}; unset 'a[1]'; echo "\${a[@]:1:2}"`,
    `declare -A m=([x]=1 [y]=2); m[z]=3; echo \${m[y]} \${#m[@]} \${m[z]}`,
    `x=y; y=z; echo \${!x}; v=HO; echo \${!HOM*}`,
    `echo $((1+2*3)) $((7/2)) $((7%3)) $((2**10)) $((1<<4)) $((5>3)) $((0x1f)) $((010)) $((1?2:3))`,
    `i=5; echo $((i++)) $i $((++i)) $((i+=3)) $((-i)) $((~i)) $((!i)); ((i>3)) && echo yes; let i=i*2; echo $i`,
    `echo $((9223372036854775807+1)) $((RANDOM>=0)) $((2#101))`,
    `x='*'; cd /; echo "$x" '*'; echo /etc/host? /etc/nothing*`,
  ],
  statements: [
    `if true; then echo a; elif false; then echo b; else echo c; fi; if false; then :; fi; echo $?`,
    `for ((i=0;i<3;i++)); do echo $i; done; for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done`,
    `i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i`,
    `for i in a b; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done`,
    `case abc in a*) echo 1 ;;& *c) echo 2 ;; *) echo 3 ;; esac; case x in y) ;; [!a-w]|z) echo in ;; esac`,
    `f() { local x=$1; echo "$x $#"; return 3; }; f a b; echo $?; x=1; g() { x=2; }; g; echo $x`,
    `f() { [ $1 -le 1 ] && { echo 1; return; }; echo $(( $1 * $(f $(($1-1))) )); }; f 5`,
    `(x=1; exit 4); echo $? $x; { echo in; } | cat; ! true; echo $?`,
    `true && echo a || echo b; false && echo a || echo b; false || false; echo $?`,
    `[[ abc == a* ]] && echo glob; [[ abc =~ ^a(.)c$ ]] && echo \${BASH_REMATCH[1]}; [[ -z "" && ! a == b ]] && echo and; [[ 2 -lt 10 ]] && echo less`,
    `[ -f /etc/hosts ] && [ ! -d /etc/hosts ] && [ -d /etc ] && [ "a" != "b" -a 1 -eq 1 ] && echo tests; test -n "" ; echo $?; [ 1 -eq x ] 2>/dev/null; echo $?`,
  ],
  "redirections and pipes": [
    `cd /tmp; echo one > f.$$; echo two >> f.$$; cat < f.$$; wc -l < f.$$; rm f.$$; cat f.$$ 2>/dev/null; echo $?`,
    `{ echo out; echo err >&2; } 2>&1 | sort; { echo out; echo err >&2; } 2>/dev/null`,
    `cat <<E\nx is $((1+1)) \\$y\nE\ncat <<'E'\n$x \\n\nE\ncat <<-E\n\ttab\n\tE`,
    `cat <<< "a $((1+1))"; read x y <<< "one two three"; echo "$x|$y"`,
    `printf 'a\\nb\\nc\\n' | while read -r l; do echo "<$l>"; done; echo a:b:c | { IFS=: read -r x y z; echo $z$y$x; }`,
    `false | true; echo $?; set -o pipefail; false | true; echo $?; echo \${PIPESTATUS[@]}`,
    `exec 3>/tmp/fd.$$; echo three >&3; exec 3>&-; cat /tmp/fd.$$; rm /tmp/fd.$$`,
    `diff <(echo a) <(echo a) >/dev/null 2>&1; cat <(echo sub)`,
    `yes | head -n 2; seq 3 | tac; echo abc | tr a-c A-C; seq 10 | tail -n 2; seq 5 | head -n -3`,
  ],
  "set, trap, jobs": [
    `set -e; false || true; if false; then :; fi; echo here; false; echo not here`,
    `set -e; f() { false; echo in; }; f || echo after; (exit 3); echo not here`,
    `set -u; echo \${x:-unset}; echo $x; echo not here`,
    `trap 'echo bye' EXIT; echo hi; exit 3`,
    `trap 'echo got' USR1; kill -USR1 $$; echo on; trap - USR1; (trap 'echo sub' EXIT)`,
    `sleep 0.1 & wait $!; echo $?; (exit 7) & wait $!; echo $?; sleep 5 & kill $!; wait $! 2>/dev/null; echo $?`,
    `timeout 0.2 sleep 5; echo $?; timeout 5 true; echo $?; timeout 0.1 sh -c 'trap "" TERM; sleep 0.3; echo late'; echo $?`,
    `bash -c 'echo $0 $1' name arg; sh -c 'exit 9'; echo $?; echo 'echo from $1' > /tmp/s.$$; bash /tmp/s.$$ file; rm /tmp/s.$$`,
    `nosuch 2>/dev/null; echo $?; ./nosuch 2>/dev/null; echo $?; /tmp 2>/dev/null; echo $?`,
    `while getopts "ab:" o -a -b x y; do echo $o $OPTARG; done; echo $OPTIND`,
    `eval 'x=1; echo $x'; x=(1 2); set -- "\${x[@]}"; shift; echo $1; unset x; echo "\${x-gone}"`,
    `printf '%5d|%-5s|%05.1f|%x|%c|%b|%%\\n' 42 ab 3.14159 255 xyz 'a\\tb'; printf '%s-%s\\n' a b c`,
    `printf -v x '%03d' 7; echo $x; echo -e 'a\\tb\\x41\\0101'; echo -n no; echo`,
  ],
  filters: [
    `printf 'b\\na\\nc\\na\\n' | sort | uniq -c; printf '10\\n9\\n2\\n' | sort -n; printf 'a 2\\nb 1\\n' | sort -k2,2n; printf 'b:1\\na:2\\n' | sort -t: -k2 -r`,
    `printf 'a:b:c\\nd\\n' | cut -d: -f2,3; echo abcdef | cut -c2-4; echo abc | cut -c2-; printf 'a:b\\n' | cut -d: -f1 -s`,
    `printf 'one\\ntwo\\nthree\\n' | grep -n o; printf 'one\\ntwo\\n' | grep -v one; echo aXbX | grep -o X; printf 'a.b\\nacb\\n' | grep -F .; echo abc | grep -E '^(a|x)b+c$'; echo foo | grep -q bar; echo $?`,
    `printf 'a b  c\\n' | wc -w; printf abc | wc -c; printf 'a\\nb\\n' | wc; echo hello | rev; seq -s, 1 5; seq 1 2 7; seq -w 8 10`,
    `printf '1\\n2\\n3\\n' | xargs echo n; printf 'a b\\nc\\n' | xargs -n1 echo; printf 'x\\ny\\n' | xargs -I{} echo "<{}>"`,
    `basename /a/b.txt .txt; dirname /a/b/c; echo aabb | tr -s ab; echo hello | tr -d l; echo hello | tr -cd 'a-h\\n'; printf abc | base64; echo YWJj | base64 -d`,
    `printf 'a\\nb\\nc\\nd\\n' | grep -A1 b; printf 'a\\nb\\nc\\n' | grep -c .; printf 'x1\\ny2\\n' | grep '[[:alpha:]]1\\|zz'`,
  ],
};

for (const [name, all] of Object.entries(scripts))
  test(`${name}: as a real bash has them`, async () => {
    for (const script of all) {
      const { stdout, exitCode } = await cluster.pod("client").sh(script);
      const real = hasBash ? bash(script) : undefined;
      if (real)
        assert.equal({ stdout, exitCode }, { stdout: real.stdout, exitCode: real.status }, script);
    }
  });

test("time is the cluster's: sleep moves it, and shells run side by side", async () => {
  const pod = cluster.pod("client");
  const before = cluster.now.getTime();
  const [slow, fast] = await Promise.all([
    pod.sh("for i in 1 2 3; do sleep 2; date +%S; done"),
    pod.sh("sleep 1; date +%S; sleep 2; date +%S"),
  ]);
  assert.is(cluster.now.getTime() - before, 6_000);
  const at = (seconds: number): string =>
    new Date(before + 1_000 * seconds).toISOString().slice(17, 19);
  assert.is(slow.stdout, `${at(2)}\n${at(4)}\n${at(6)}\n`);
  assert.is(fast.stdout, `${at(1)}\n${at(3)}\n`);
});

test("the same seed prints the same bytes", async () => {
  const run = async (seed: number): Promise<string> => {
    const script = "echo $RANDOM $RANDOM; mktemp -u; head -c 8 /dev/urandom | base64; date; ps";
    return (await clientCluster(seed).pod("client").sh(script)).output;
  };
  assert.is(await run(1), await run(1));
  assert.is.not(await run(1), await run(2));
});

test("whatever is typed ends, with an exit code, and the cluster goes on", async () => {
  const pod = cluster.pod("client");
  const ended = async (script: string): Promise<string> => {
    const { exitCode, stopped } = await pod.sh(script);
    return `${exitCode}${stopped === undefined ? "" : `: ${stopped}`}`;
  };
  assert.is(await ended("while true; do :; done"), "137: it made as many steps as a command may");
  assert.is(await ended("f() { f; }; f"), "1");
  assert.is(await ended("sleep 7200"), "137: it took longer than 3600000 ms");
  assert.is(await ended("yes"), "137: it printed more than 1048576 bytes");
  assert.match(await ended("head -c 100G /dev/zero | wc -c"), /^137/);
  assert.is(await ended("x=x; while :; do x=$x$x; done"), "2");
  assert.match(await ended("f() { f | f & }; f; sleep 60; exit 3"), /^(3|254|137)/);
  assert.is(await ended("cat /dev/zero > /tmp/full"), "1");
  assert.is(await ended("rm /tmp/full; echo $'\\xff\\x00\\x1b[2J' | cat; exit 5"), "5");
  assert.is(await ended("grep -E '(a+)+$' <<< aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), "1");
  assert.is(await ended(")("), "2");
  cluster.advance("5m");
  assert.is(await ended("echo still here; ls /"), "0");
});

test("files stay in their place, and a shell sees none of the host's", async () => {
  const pod = cluster.pod("client");
  await pod.sh("mkdir -p /data; echo kept > /data/x");
  const listing = "cd /tmp; mkdir l; cd l; : > e; echo > f; head -c 5000 /dev/zero > g; ls -l";
  assert.match((await pod.sh(listing)).stdout, /^total 12\n/);
  assert.is((await pod.sh("cat /data/x")).stdout, "kept\n");
  const node = await cluster.node("node-a").sh("cat /data/x; cat /etc/shadow; ls /home");
  assert.is(node.stdout, "");
  assert.match(node.stderr, /data\/x: No such file or directory\n.*shadow: No such file/);
});

test.run();
