# What follows needs two functions of the package bash-completion. Where that is not loaded, these do; it replaces them.
if ! declare -F _get_comp_words_by_ref > /dev/null; then
  _get_comp_words_by_ref() { # joins the words again that bash has split at = and :
    local line=$COMP_LINE word glued i
    words=() cword=0
    for ((i = 0; i <= COMP_CWORD; i++)); do
      word=${COMP_WORDS[i]}
      glued=
      if ((i > 0)) && [[ $line != [[:blank:]]* && ($word == [=:]* || ${words[cword]} == *[=:]) ]]; then glued=y; fi
      line=${line#"${line%%[![:blank:]]*}"}
      line=${line#"$word"}
      if [[ $glued ]]; then
        words[cword]+=$word
      else
        ((i == 0)) || cword=$((cword + 1))
        words[cword]=$word
      fi
    done
    cur=${words[cword]} prev=
    ((cword == 0)) || prev=${words[cword - 1]}
  }
fi
if ! declare -F _filedir > /dev/null; then
  _filedir() { # folders, and files: all, or those of some endings (yaml|yml); -d: folders alone
    local path ending
    compopt -o filenames 2> /dev/null
    while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -d -- "$cur")
    [[ ${1-} != -d ]] || return 0
    while IFS= read -r path; do
      [[ ! -d $path ]] || continue
      for ending in ${1//|/ }; do [[ $path != *."$ending" ]] || COMPREPLY+=("$path"); done
      [[ ${1-} ]] || COMPREPLY+=("$path")
    done < <(compgen -f -- "$cur")
  }
fi

