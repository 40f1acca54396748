# Says whether the executable will start on this device, and what to do when not. Changes nothing.
#
#   sh preflight.sh [EXECUTABLE]      (default: device-cloud beside this file, or else on the PATH)
#
# Exit code 0: it will. 1: it will not. 2: wrong use.

failed=0
passed() { printf 'ok    %-10s  %s\n' "$1" "$2"; }
failure() {
  failed=1
  printf 'FAIL  %-10s  %s\n' "$1" "$2"
  [ -z "$3" ] || printf '      %-10s  %s\n' '' "$3"
}
unknown() { printf '-     %-10s  %s\n' "$1" "$2"; }

# Whether version $1 is at least $2; numbers with dots, whatever follows them is nothing.
at_least() {
  printf '%s\n%s\n' "$1" "$2" | awk -F '[^0-9]+' '
    NR == 1 { for (i = 1; i <= 3; i++) have[i] = $i + 0 }
    NR == 2 { for (i = 1; i <= 3; i++) if (have[i] != $i + 0) exit have[i] < $i + 0 }'
}

# The unsigned byte $2 of file $1.
byte_at() { dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 2>/dev/null | tr -d ' \n'; }

# What gives a library, in the words of those who build images.
package_of() {
  case $1 in
    libstdc++*) echo 'Buildroot: a toolchain with C++ support; Yocto: libstdc++; Debian: libstdc++6' ;;
    libatomic*) echo 'Buildroot: in every toolchain; Yocto: libatomic; Debian: libatomic1' ;;
    libgcc_s*) echo 'Buildroot: in every toolchain; Yocto: libgcc; Debian: libgcc-s1' ;;
    *) echo 'part of glibc; Debian: libc6' ;;
  esac
}

check_processor() {
  machine=$(uname -m)
  for one in $machines; do
    if [ "$one" = "$machine" ]; then passed processor "$machine"; return; fi
  done
  failure processor "$machine, and this executable is for $target ($machines)" 'Take the archive for this processor: x64 for x86_64, arm64 for aarch64, armv7 for armv7l.'
}

check_kernel() {
  release=$(uname -r)
  if at_least "$release" "$kernel"; then passed kernel "Linux $release"
  else failure kernel "Linux $release, and $kernel is the least that the executable starts on" 'A newer kernel.'; fi
}

check_file() {
  if [ ! -f "$file" ]; then failure file "$file is not there" 'Name the executable: sh preflight.sh /usr/bin/device-cloud'; return 1; fi
  if [ "$(wc -c <"$file" | tr -d ' ')" -ne "$bytes" ] || { sum_of=$(sha256sum "$file" 2>/dev/null) && [ "${sum_of%% *}" != "$sum" ]; }; then
    # One that was stripped again or carries another Node is not damaged: its head still says what it is.
    head="$(byte_at "$file" 0) $(byte_at "$file" 1) $(byte_at "$file" 4) $(byte_at "$file" 18)"
    if [ "$head" = '   ' ]; then unknown file "$file is not the one of this release, and od is missing to look into it"
    elif [ "$head" = "127 69 $elf_class $elf_machine" ]; then
      unknown file "$file is not the one of this release: stripped again, another version, or cut short"
    else failure file "$file is no executable for $target" 'Copy it again, in binary, and compare its size.'; return 1; fi
  else passed file "$file, as released"; fi
  if [ ! -x "$file" ]; then failure file "$file may not be executed" "chmod 755 $file"; return 1; fi
}

check_linker() {
  if [ -e "$linker" ]; then passed glibc "$linker"; return; fi
  case $(ls /lib/ld-musl-* /lib/ld-uClibc* /lib/ld64-uClibc* 2>/dev/null) in
    *musl*) why='this system has musl instead of glibc' ;;
    *uClibc*) why='this system has uClibc instead of glibc' ;;
    *) why='this system has no glibc for this processor' ;;
  esac
  [ "$target" != armv7 ] || [ ! -e /lib/ld-linux.so.3 ] || why='this system is made for ARM without hardware floating point (armel)'
  failure glibc "$linker is missing: $why" 'An image with glibc for this processor; on ARM with hardware floating point (armhf).'
  return 1
}

# The linker itself says what it does not find; 127 is also what it ends with when it cannot.
check_libraries() {
  found=$(LC_ALL=C "$linker" --list "$file" 2>&1)
  lost=0
  for library in $libraries; do
    case $found in
      *"$library => not found"* | *"$library: cannot open shared object file"*)
        lost=1
        failure libraries "$library is missing" "$(package_of "$library")"
        ;;
    esac
  done
  for version in $(printf '%s\n' "$found" | sed -n "s/.*version .\([A-Z]*_[0-9.]*\). not found.*/\1/p" | sort -u); do
    lost=1
    failure libraries "$version is asked for, and the library here is older" 'A newer image; the libraries of 2018 are new enough.'
  done
  [ $lost -ne 0 ] || passed libraries 'all of them'
  return $lost
}

# Everything above is only a guess at this.
check_start() {
  said=$("$file" --version 2>&1)
  code=$?
  if [ $code -eq 0 ]; then passed start "$(printf '%s\n' "$said" | head -n 1)"; return; fi
  remedy=''
  case $code in
    126) remedy='Is the file system mounted with noexec?' ;;
    132) remedy='The processor lacks something that the executable uses: on ARM VFPv3, on x86-64 hardly anything.' ;;
    137) remedy='Out of memory: it needs 64 MB on armv7 and 128 MB on others.' ;;
  esac
  failure start "it ends with $code: $said" "$remedy"
}

if [ $# -gt 1 ]; then echo 'usage: sh preflight.sh [EXECUTABLE]' >&2; exit 2; fi
file=${1:-$(dirname "$0")/device-cloud}
[ $# -gt 0 ] || [ -f "$file" ] || file=$(command -v device-cloud || echo "$file")

check_processor
check_kernel
# Each of these makes sense only after the one before.
check_file && check_linker && check_libraries
# Whether it starts is asked in any case in which it could: what was found may be wrong.
[ ! -x "$file" ] || check_start
exit $failed
