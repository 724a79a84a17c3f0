# Starts a server of the store of the page, which the commands that follow reach at the URL that the page shows.
serve_at() {
  securestore serve --port 0 > "$HOME/server.log" 2>&1 &
  for second in $(seq 60); do grep -qs '^serving' "$HOME/server.log" && break || sleep 0.5; done
  SHOWN=$1 SERVED=$(sed -n 's/^serving .* at //p' "$HOME/server.log")
  curl() { command curl -sS --fail-with-body "${@//"$SHOWN"/"$SERVED"}"; }
  securestore() { SECURESTORE_URL="${SECURESTORE_URL/"$SHOWN"/"$SERVED"}" command securestore "$@"; }
}

# Prints a new token of a principal that holds a role by a template.
token_of() {
  {
    command securestore role add "$2" --template "$2"
    command securestore grant "$1" "$2" --yes
  } > /dev/null 2>&1
  command securestore token new "$1" 2> /dev/null
}
