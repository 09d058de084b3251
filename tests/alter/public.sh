# public/ altered; sourced by alter.sh.

public_by_core() {
  seed=${CF_ALTER_SEED:-$(date +%s)}
  code=0
  if [ -n "$short" ]; then
    "$bin/counterfoil-alter" d/public --old old --small 4096 --each 40 --every 197 --seed "$seed" --jobs "$(nproc)" >core || code=$?
  else
    "$bin/counterfoil-alter" d/public --old old --small 4096 --each 2000 --seed "$seed" --jobs "$(nproc)" >core || code=$?
  fi
  cat core
  [ "$code" -le 1 ] || die "the sweep ended with $code"
  changes=$((changes + $(sed -n 's/^public: \([0-9]*\) changes.*/\1/p' core)))
  found=$((found + $(sed -n 's/^public: .* changes, \([0-9]*\) found.*/\1/p' core)))
}

# told CODE NAME WHAT: what the real command says of the folder copy.
told() {
  code=0
  timeout 20 "$cf" audit copy --json >out 2>err || code=$?
  if [ "$code" -eq "$1" ] && grep -q -F -e "\"$2\"" -e "\"$2/\"" -e "\"$2 (no plain file)\"" -e "copy/$2: " out err; then count yes; else count no "$3: status $code, $(head -c 300 out) $(head -n 2 err)"; fi
}
again() { rm -rf copy; cp -r d/public copy; }

# One file of each kind.
kinds() {
  echo genesis
  echo log.vkey
  echo log/checkpoint
  for folder in log/tile/entries/000.p log/tile/0/000.p checkpoints archive ledger/blocks; do
    (cd d/public && find $folder -type f -size +0 | LC_ALL=C sort -V | awk '{a[NR] = $0} END {print a[int(NR / 2) + 1]}')
  done
}

public_by_command() {
  for f in $([ -n "$short" ] && kinds | tail -n 2 || kinds); do
    again; ln -sf "$dir/d/public/$f" copy/$f; told 1 "$f" "$f is a link to itself"
    again; rm copy/$f; mkdir copy/$f; told 1 "$f" "$f is a folder"
    again; rm copy/$f; mkfifo copy/$f; told 1 "$f" "$f is a pipe"
    again; flip copy/$f; told 1 "$f" "$f flipped"
    again; chmod 0 copy/$f
    [ -r copy/$f ] || told 3 "$f" "$f may not be read" # root may read everything
  done
  again; : >copy/archive/empty; told 1 archive/empty "an empty file"
  again; mkdir copy/archive/folder; told 1 archive/folder/ "an empty folder"
  again; mkdir -p copy/log/tile/1; told 1 log/tile/1/ "an empty folder of tiles"
  again; : >copy/.hidden; told 1 .hidden "a hidden file"
  again; mkdir copy/.git; : >copy/.git/x; told 1 .git/x "a hidden folder"
  again; ln -s /nowhere copy/dangling; told 1 dangling "a link to nowhere"
  again; ln -s "$dir/d/public/archive" copy/more; told 1 more "a link to a folder"
  again; mv copy/archive copy/kept; ln -s kept copy/archive; told 1 archive "a folder behind a link"
  again; cp copy/genesis copy/run; chmod 4755 copy/run; told 1 run "a program"
  again; cp -r copy copy2; mv copy2 copy/again; told 1 again/genesis "the whole folder in itself"
}
