# SPDX-License-Identifier: Apache-2.0
# Checks whether the executable will start on this device, and prints a remedy when not. Changes nothing.
#
#   sh preflight.sh [EXECUTABLE]      (default: device-cloud in the folder of this file, else in PATH)
#
# Exit code 0: it will start. 1: it will not. 2: wrong arguments.

failed=0
passed() { printf 'ok    %-10s  %s\n' "$1" "$2"; }
failure() {
  failed=1
  printf 'FAIL  %-10s  %s\n' "$1" "$2"
  [ -z "$3" ] || printf '      %-10s  %s\n' '' "$3"
}
unknown() { printf '-     %-10s  %s\n' "$1" "$2"; }

# Whether version $1 is at least $2. Both begin with numbers and dots; the rest is ignored.
at_least() {
  printf '%s\n%s\n' "$1" "$2" | awk -F '[^0-9]+' '
    NR == 1 { for (i = 1; i <= 3; i++) have[i] = $i + 0 }
    NR == 2 { for (i = 1; i <= 3; i++) if (have[i] != $i + 0) exit have[i] < $i + 0 }'
}

# The unsigned byte $2 of file $1.
byte_at() { dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 2>/dev/null | tr -d ' \n'; }

# The package of a library, as image builders name it.
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
  else failure kernel "Linux $release, and the executable needs at least $kernel" 'Use a newer kernel.'; fi
}

check_file() {
  if [ ! -f "$file" ]; then failure file "$file does not exist" 'Name the executable: sh preflight.sh /usr/bin/device-cloud'; return 1; fi
  if [ "$(wc -c <"$file" | tr -d ' ')" -ne "$bytes" ] || { sum_of=$(sha256sum "$file" 2>/dev/null) && [ "${sum_of%% *}" != "$sum" ]; }; then
    # A file that was stripped again or contains another Node is not damaged: its ELF header is still right.
    head="$(byte_at "$file" 0) $(byte_at "$file" 1) $(byte_at "$file" 4) $(byte_at "$file" 18)"
    if [ "$head" = '   ' ]; then unknown file "$file is not the file of this release, and od, which could check it, is missing"
    elif [ "$head" = "127 69 $elf_class $elf_machine" ]; then
      unknown file "$file is not the file of this release: stripped again, another version, or incomplete"
    else failure file "$file is not an executable for $target" 'Copy it again in binary mode, and compare its size.'; return 1; fi
  else passed file "$file, as released"; fi
  if [ ! -x "$file" ]; then failure file "$file is not executable" "chmod 755 $file"; return 1; fi
}

check_linker() {
  if [ -e "$linker" ]; then passed glibc "$linker"; return; fi
  case $(ls /lib/ld-musl-* /lib/ld-uClibc* /lib/ld64-uClibc* 2>/dev/null) in
    *musl*) why='this system has musl instead of glibc' ;;
    *uClibc*) why='this system has uClibc instead of glibc' ;;
    *) why='this system has no glibc for this processor' ;;
  esac
  [ "$target" != armv7 ] || [ ! -e /lib/ld-linux.so.3 ] || why='this system is made for ARM without hardware floating point (armel)'
  failure glibc "$linker is missing: $why" 'Use an image with glibc for this processor; on ARM with hardware floating point (armhf).'
  return 1
}

# The linker lists what it does not find.
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
    failure libraries "the executable needs $version, and the library on this device is older" 'Use a newer image; libraries of 2018 are new enough.'
  done
  [ $lost -ne 0 ] || passed libraries 'all found'
  return $lost
}

# Starting the executable is the real test; the checks above explain why it fails.
check_start() {
  output=$("$file" --version 2>&1)
  code=$?
  if [ $code -eq 0 ]; then passed start "$(printf '%s\n' "$output" | head -n 1)"; return; fi
  remedy=''
  case $code in
    126) remedy='Is the file system mounted with noexec?' ;;
    132) remedy='The processor lacks an instruction set that the executable needs: on ARM VFPv3; on x86-64 this is unlikely.' ;;
    137) remedy='The device has too little memory: 64 MB are needed on armv7, 128 MB on others.' ;;
  esac
  failure start "it ended with $code: $output" "$remedy"
}

if [ $# -gt 1 ]; then echo 'usage: sh preflight.sh [EXECUTABLE]' >&2; exit 2; fi
file=${1:-$(dirname "$0")/device-cloud}
[ $# -gt 0 ] || [ -f "$file" ] || file=$(command -v device-cloud || echo "$file")

check_processor
check_kernel
# Each of these needs the one before.
check_file && check_linker && check_libraries
# Also after a failed check, because a check may be wrong.
[ ! -x "$file" ] || check_start
exit $failed
