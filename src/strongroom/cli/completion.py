"""Print the completion script of a shell: bash, zsh or fish.

examples:
  source <(strongroom completion bash)
  strongroom completion zsh > ~/.zfunc/_strongroom
  strongroom completion fish > ~/.config/fish/completions/strongroom.fish

Paths are completed too: the server is asked, for 300 ms at most.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from strongroom.cli import errors

if TYPE_CHECKING:
    import argparse

BASH = r"""_strongroom() {
    local line=${COMP_LINE:0:COMP_POINT} words at
    # The line up to the cursor, cut at blanks: bash itself would also cut at `=` and `:`.
    IFS=$' \t' read -a words <<< "$line"
    [[ $line == *' ' && $line != *'\ ' ]] && words+=('')
    local IFS=$'\n'
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" __complete "${words[*]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    # Whoever may write a secret chooses its name: what the shell would act on is escaped.
    for at in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[at]" %q "${COMPREPLY[at]}"; done
    return 0
}
complete -F _strongroom strongroom sr
"""
ZSH = r"""#compdef strongroom sr
_strongroom() {
    local -a found
    found=("${(@f)$(${words[1]} __complete "${(F)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -S '' -- ${(M)found:#*/}
    compadd -- ${found:#*/}
}
if [ "$funcstack[1]" = "_strongroom" ]; then _strongroom "$@"; else compdef _strongroom strongroom sr; fi
"""
FISH = r"""function __strongroom_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete (string join \n -- $words[2..-1] | string collect) 2>/dev/null
end
complete -c strongroom -f -a '(__strongroom_complete)'
complete -c sr -f -a '(__strongroom_complete)'
"""
SCRIPTS = {"bash": BASH, "fish": FISH, "zsh": ZSH}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=sorted(SCRIPTS))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(SCRIPTS[args.shell])
    return errors.OK
