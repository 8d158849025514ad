/**
 * Completion scripts. They pass the typed words to `berth __complete`, which knows what can follow.
 * The
 * words come after `--`, so that none is read as a flag of `__complete` itself.
 * @module
 */

const bash = `# bash completion for berth
_berth() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _berth berth`

const zsh = `#compdef berth
# zsh completion for berth
_berth() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("\${(@)candidates:#}")
  if (( \${#candidates} )); then
    compadd -- "\${candidates[@]}"
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" = _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi`

const fish = `# fish completion for berth
function __berth_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)[2..]
    command berth __complete -- $words (commandline --current-token --cut-at-cursor) 2>/dev/null
end
complete --command berth --arguments '(__berth_complete)'`

/** Completion scripts by shell. */
export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish }
