// The witness peer: what a witness of one log does with golang.org/x/mod and Go's own library, called in order, without HTTP:
// the note opened, the consistency proof checked, a cosignature made, the state written beside the old one, synced, renamed, and
// its folder synced.  For each line on stdin a rate of updates per second.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	cnt   = 4096
	round = 400 * time.Millisecond
)

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h[x]
	}
	return out, nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "witness peer:", err)
		os.Exit(1)
	}
}

// request is an add-checkpoint body for the size after old.
func request(signer note.Signer, stored hashes, old int64) []byte {
	root, err := tlog.TreeHash(old+1, stored)
	check(err)
	var proof tlog.TreeProof
	if old > 0 {
		proof, err = tlog.ProveTree(old+1, old, stored)
		check(err)
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%v\n", signer.Name(), old+1, root)}, signer)
	check(err)
	var out bytes.Buffer
	fmt.Fprintf(&out, "old %d\n", old)
	for _, h := range proof {
		fmt.Fprintf(&out, "%v\n", h)
	}
	fmt.Fprintf(&out, "\n%s", signed)
	return out.Bytes()
}

type witness struct {
	dir  *os.File
	log  note.Verifiers
	key  ed25519.PrivateKey
	size int64
	root tlog.Hash
}

func (w *witness) update(body []byte) {
	head, signed, _ := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	check(err)
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		check(err)
		proof = append(proof, h)
	}
	n, err := note.Open([]byte(signed), w.log)
	check(err)
	text := strings.Split(n.Text, "\n")
	size, err := strconv.ParseInt(text[1], 10, 64)
	check(err)
	root, err := tlog.ParseHash(text[2])
	check(err)
	if old != w.size {
		check(fmt.Errorf("old %d at size %d", old, w.size))
	}
	if old > 0 {
		check(tlog.CheckTree(proof, size, root, old, w.root))
	}
	sig := ed25519.Sign(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", time.Now().Unix(), n.Text)))
	f, err := os.Create(filepath.Join(w.dir.Name(), "state.tmp"))
	check(err)
	_, err = f.WriteString(signed + base64.StdEncoding.EncodeToString(sig) + "\n")
	check(err)
	check(f.Sync())
	check(f.Close())
	check(os.Rename(f.Name(), filepath.Join(w.dir.Name(), "state")))
	check(w.dir.Sync())
	w.size, w.root = size, root
}

func main() {
	runtime.GOMAXPROCS(1)
	path, err := os.MkdirTemp("build/bench", "peer-")
	check(err)
	defer os.RemoveAll(path)
	dir, err := os.Open(path)
	check(err)
	skey, vkey, err := note.GenerateKey(rand.Reader, "bench.example/log")
	check(err)
	signer, err := note.NewSigner(skey)
	check(err)
	verifier, err := note.NewVerifier(vkey)
	check(err)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	var stored hashes
	bodies := make([][]byte, cnt)
	for i := range bodies {
		more, err := tlog.StoredHashes(int64(i), []byte(fmt.Sprint("entry-", i)), stored)
		check(err)
		stored = append(stored, more...)
		bodies[i] = request(signer, stored, int64(i))
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		w := witness{dir: dir, log: note.VerifierList(verifier), key: key}
		start := time.Now()
		for w.size < cnt && time.Since(start) < round {
			w.update(bodies[w.size])
		}
		fmt.Println(float64(w.size) / time.Since(start).Seconds())
	}
}
