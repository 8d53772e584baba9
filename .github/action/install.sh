#!/usr/bin/env bash
# Gets the gatecard binary of this checkout's version for the runner and writes its path to the step output `binary`.
# What decides is versions.txt beside the action: an archive whose SHA-256 is not the one committed there is never
# unpacked, wherever it came from. Bash 3.2 (macOS) and Git Bash (Windows) run it. Input by environment only:
#   GATECARD_BINARY_PATH        a binary that is there already; nothing is downloaded or verified
#   GATECARD_MIRROR             the address to use in place of https://github.com/OWNER/gatecard/releases/download
#   GATECARD_VERIFY             auto, required or off: whether GitHub's attestation of the archive is checked as well
#   GATECARD_ACTION_REPOSITORY  OWNER/NAME that the action came from, where the runner says it
set -euo pipefail
unset BASH_ENV
umask 077

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mirror=${GATECARD_MIRROR:-}
verify=${GATECARD_VERIFY:-auto}
work=

# One error as an annotation: what, found, expected, what to do. Text from outside cannot start a line of its own.
fail() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::error title=gatecard::%s\n' "$text"
  exit 2
}

# After a failure nothing is left that could be run.
# shellcheck disable=SC2317 # the trap calls it
clean() {
  if [ "$?" -ne 0 ] && [ -n "$work" ]; then
    rm -rf -- "$work"
  fi
}
trap clean EXIT

finish() {
  printf 'binary=%s\n' "$1" >>"${GITHUB_OUTPUT:-/dev/stdout}"
  exit 0
}

given() {
  local path=$1 found
  case $path in
    *[[:cntrl:]]*) fail "binary-path: found control characters, expected the path of a gatecard binary; correct the input" ;;
  esac
  found=$(command -v -- "$path") ||
    fail "binary-path: found no program at '$path', expected a gatecard binary; correct the input, or leave it out to install the released one"
  finish "$found"
}

# The name that Rust has for this machine.
machine() {
  local system=${RUNNER_OS:-$(uname -s)} processor=${RUNNER_ARCH:-$(uname -m)}
  case $processor in
    X64 | x86_64 | amd64) processor=x86_64 ;;
    ARM64 | aarch64 | arm64) processor=aarch64 ;;
  esac
  case $system in
    Linux) printf '%s-unknown-linux-gnu\n' "$processor" ;;
    macOS | Darwin) printf '%s-apple-darwin\n' "$processor" ;;
    Windows | MINGW* | MSYS*) printf '%s-pc-windows-msvc\n' "$processor" ;;
    *) printf '%s-%s\n' "$processor" "$system" ;;
  esac
}

# Sets `sum` and `commit` from the one line of versions.txt for this version and target.
look_up() {
  local file=$root/versions.txt known_version known_target known_sum known_commit rest targets='' lines=0
  local hash='^[0-9a-f]{64}$' id='^[0-9a-f]{40}$'
  [ -f "$file" ] || fail "$file: found no such file, expected the hashes of the released binaries; use the action as it was released"
  while read -r known_version known_target known_sum known_commit rest || [ -n "$known_version" ]; do
    if [ "$known_version" = "$version" ]; then
      targets="$targets $known_target"
      if [ "$known_target" = "$target" ]; then
        lines=$((lines + 1)) sum=$known_sum commit=$known_commit
        [ -z "$rest" ] || sum=
      fi
    fi
  done <"$file"
  [ -n "$targets" ] ||
    fail "version $version: found no released binary of it in versions.txt, expected a line 'version target sha256 commit'; use the action at the commit of a release, or build gatecard yourself and set binary-path"
  [ "$lines" -gt 0 ] ||
    fail "version $version: found binaries for$targets, expected one for $target, which this runner is; build gatecard yourself and set binary-path"
  [ "$lines" -eq 1 ] || fail "versions.txt: found $lines lines for $version $target, expected one; use the action as it was released"
  [[ $sum =~ $hash && $commit =~ $id ]] ||
    fail "versions.txt: found '$sum $commit' for $version $target, expected a SHA-256 and a commit; use the action as it was released"
}

# Sets `repository`, where the runner or the path of this checkout says where the action came from.
origin() {
  local place='/_actions/([^/]+/[^/]+)/[^/]+$' name='^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$'
  repository=${GATECARD_ACTION_REPOSITORY:-}
  if [ -z "$repository" ] && [[ $root =~ $place ]]; then
    repository=${BASH_REMATCH[1]}
  fi
  [[ -z $repository || $repository =~ $name ]] ||
    fail "the action's repository: found '$repository', expected OWNER/NAME; set mirror or binary-path"
}

# Sets `address` and which protocols may be used: the hash decides, so a mirror may be plain HTTP.
source_of() {
  local form='^https?://[^[:space:][:cntrl:]@]+$'
  protocols='=https'
  if [ -n "$mirror" ]; then
    [[ $mirror =~ $form ]] ||
      fail "mirror: found '$mirror', expected an address like https://mirror.example.com/gatecard without a user name; correct the input"
    protocols='=http,https'
    address=${mirror%/}/v$version/$archive
    return
  fi
  [ -n "$repository" ] ||
    fail "the action's repository: found none in the path $root, expected _actions/OWNER/NAME/REF; set mirror or binary-path"
  address=https://github.com/$repository/releases/download/v$version/$archive
}

hash_of() {
  local line
  if command -v sha256sum >/dev/null; then
    line=$(sha256sum <"$1")
  else
    line=$(shasum -a 256 <"$1")
  fi
  printf '%s\n' "${line%% *}"
}

download() {
  local said
  source_of
  said=$(curl -q --proto "$protocols" --proto-redir "$protocols" --tlsv1.2 --fail --location --silent --show-error \
    --retry 5 --connect-timeout 15 --max-time 180 --max-filesize 100000000 --output "$work/$archive" -- "$address" 2>&1) ||
    fail "$address: found '$said', expected the archive; check that this runner reaches the address, or set mirror or binary-path"
  found=$(hash_of "$work/$archive")
  [ "$found" = "$sum" ] ||
    fail "$address: found SHA-256 $found, expected $sum, which versions.txt has for $version $target; do not use this archive, and report it where it came from"
}

# The archive as the tool cache has it. The copy is hashed, so that it cannot change between the check and its use.
cached() {
  [ -f "$cache/$archive" ] || return 1
  cp -- "$cache/$archive" "$work/$archive"
  found=$(hash_of "$work/$archive")
  [ "$found" = "$sum" ] ||
    fail "$cache/$archive: found SHA-256 $found, expected $sum, which versions.txt has for $version $target; somebody changed the runner's tool cache: find out who, and delete the file"
}

keep() {
  local part=$cache/$archive.$$
  if mkdir -p -- "$cache" && cp -- "$work/$archive" "$part" && mv -f -- "$part" "$cache/$archive"; then
    return
  fi
  rm -f -- "$part"
  printf '::warning title=gatecard::%s cannot be written: each run downloads the binary again\n' "$cache"
}

# What is missing for asking GitHub who built the archive; empty where nothing is.
lacking() {
  if [ "${GITHUB_SERVER_URL:-https://github.com}" != https://github.com ]; then
    printf 'workflow of github.com'
  elif [ -z "$repository" ]; then
    printf 'repository that the action came from'
  elif [ -z "${GH_TOKEN:-}" ]; then
    printf 'token'
  elif ! command -v gh >/dev/null || ! gh attestation --help >/dev/null 2>&1; then
    printf 'program gh with the command attestation'
  fi
}

# The hash is committed by whoever released; the attestation says that the release workflow built it from that commit.
attested() {
  local missing said
  # A network that needs a mirror does not reach GitHub.
  [ "$verify" = required ] || [ -z "$mirror" ] || return 0
  missing=$(lacking)
  if [ -n "$missing" ]; then
    [ "$verify" != required ] || fail "verify: found no $missing, expected one, since verify is required; provide it, or set verify to auto"
    return 0
  fi
  said=$(gh attestation verify "$work/$archive" --repo "$repository" \
    --signer-workflow "$repository/.github/workflows/release.yml" --source-ref refs/heads/main \
    --source-digest "$commit" --deny-self-hosted-runners 2>&1) ||
    fail "$archive: found no attestation that $repository's release workflow built it from $commit, expected one (gh: ${said:0:500}); run the job again, or set verify to off to rely on the committed SHA-256 alone"
}

# One regular file of the expected name and nothing else. Its bytes go through a pipe, so that no name, link or mode of
# the archive reaches the file system.
unpack() {
  local members kind
  members=$(tar -tzf - <"$work/$archive" 2>/dev/null) || members='no archive'
  kind=$(tar -tvzf - <"$work/$archive" 2>/dev/null) || kind='?'
  [[ $members = "$program" && ${kind:0:1} = - ]] ||
    fail "$archive: found the members '$members' (${kind:0:10}), expected one file '$program'; do not use this archive, and report it where it came from"
  tar -xzOf - "$program" <"$work/$archive" >"$work/$program"
  rm -f -- "$work/$archive"
  chmod 700 "$work/$program"
}

[ -z "${GATECARD_BINARY_PATH:-}" ] || given "$GATECARD_BINARY_PATH"
case $verify in
  auto | required | off) ;;
  *) fail "verify: found '$verify', expected auto, required or off; correct the input" ;;
esac
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
target=$(machine)
program=gatecard
case $target in
  *-windows-*) program=gatecard.exe ;;
esac
archive=gatecard-$version-$target.tar.gz
look_up
origin
temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
cache=${RUNNER_TOOL_CACHE:-$temporary}/gatecard/$version/$target
mkdir -p -- "$temporary/gatecard"
work=$(mktemp -d "$temporary/gatecard/bin.XXXXXX")

if cached; then
  # Whoever kept it there had its attestation checked, as far as `verify` asked: the hash is the same.
  [ "$verify" != required ] || attested
else
  download
  [ "$verify" = off ] || attested
  keep
fi
unpack
finish "$work/$program"
