// Reads what a domain publishes with golang.org/x/mod's note and tlog, which know nothing of ours, under the policy that genesis
// asks for: checkpoint notes with their cosignatures, tiles, entries by inclusion proofs, one checkpoint's consistency with another,
// and a stored proof.  Every honest file must hold, and no altered one may: each bit of a byte turned over, a byte less, a byte
// more, nothing.
//
//	foreign POLICY LOG.JSON STEP TREE   every STEPth byte is altered; TREE as tests/vectors/audit/README.md says
//	foreign genesis TREE                writes that file, which POLICY is made of
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "foreign: %s: %v\n", what, err)
		os.Exit(1)
	}
}

var errNotOurs = errors.New("no file of a log")

func clone(data []byte) []byte { return append([]byte(nil), data...) }

// ---- keys ----

// A witness's key: type 4, an Ed25519 signature over time and text (C2SP tlog-cosignature), which note lets us add.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(w.key, []byte(text), sig[8:])
}

func witnessOf(vkey string) (witness, error) {
	part := strings.SplitN(vkey, "+", 3)
	if len(part) != 3 {
		return witness{}, errors.New("not a vkey")
	}
	hash, err := strconv.ParseUint(part[1], 16, 32)
	key, err2 := base64.StdEncoding.Strict().DecodeString(part[2])
	if err != nil || err2 != nil || len(key) != 33 || key[0] != 4 {
		return witness{}, errors.New("not a witness's vkey")
	}
	return witness{part[0], uint32(hash), key[1:]}, nil
}

type policy struct {
	vkey string
	log  note.Verifier
	all  note.Verifiers
	k    int
}

func policyOf(vkey string, witnesses []string, k int) (*policy, error) {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	list := []note.Verifier{log}
	for _, v := range witnesses {
		w, err := witnessOf(v)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return &policy{vkey, log, note.VerifierList(list...), k}, nil
}

// The part of C2SP tlog-policy that one log and one group need.
func readPolicy(text string) (*policy, error) {
	var log string
	known := map[string]string{}
	var group, quorum []string
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch word := strings.Fields(line); {
		case len(word) == 2 && word[0] == "log":
			log = word[1]
		case len(word) == 3 && word[0] == "witness":
			known[word[1]] = word[2]
		case len(word) > 3 && word[0] == "group":
			group = word[1:]
		case len(word) == 2 && word[0] == "quorum":
			quorum = word[1:]
		default:
			return nil, fmt.Errorf("line %q", line)
		}
	}
	if group == nil || quorum == nil || quorum[0] != group[0] {
		return nil, errors.New("no quorum")
	}
	k, err := strconv.Atoi(group[1])
	if err != nil {
		return nil, err
	}
	var members []string
	for _, name := range group[2:] {
		if known[name] == "" {
			return nil, fmt.Errorf("witness %s is not defined before it is used", name)
		}
		members = append(members, known[name])
	}
	return policyOf(log, members, k)
}

// ---- notes ----

// open demands the log's signature, want cosignatures, and no line beside them; base64's last digit is looked at whole, which
// note leaves to others.
func (p *policy) open(msg []byte, want int) (tlog.Tree, error) {
	n, err := note.Open(msg, p.all)
	if err != nil {
		return tlog.Tree{}, err
	}
	byLog := false
	for _, sig := range n.Sigs {
		byLog = byLog || sig.Name == p.log.Name() && sig.Hash == p.log.KeyHash()
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return tlog.Tree{}, err
		}
	}
	if !byLog || len(n.Sigs)-1 < want || len(n.UnverifiedSigs) > 0 {
		return tlog.Tree{}, fmt.Errorf("%d signatures, %d by nobody we know", len(n.Sigs), len(n.UnverifiedSigs))
	}
	line := strings.Split(n.Text, "\n")
	if len(line) != 4 || line[0] != p.log.Name() {
		return tlog.Tree{}, fmt.Errorf("text %q", n.Text)
	}
	size, err := strconv.ParseInt(line[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(line[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// ---- a folder ----

type folder map[string][]byte

func readTree(path string) folder {
	data, err := os.ReadFile(path)
	check(err, path)
	f := folder{}
	for len(data) > 0 {
		name := string(data[2 : 2+int(binary.BigEndian.Uint16(data))])
		data = data[2+len(name):]
		size := int(binary.BigEndian.Uint32(data))
		f[name] = data[4 : 4+size]
		data = data[4+size:]
	}
	return f
}

func (f folder) Height() int                         { return 8 }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, ok := f["log/"+strings.Replace(t.Path(), "tile/8/", "tile/", 1)]
		if !ok {
			return nil, os.ErrNotExist
		}
		out = append(out, data)
	}
	return out, nil
}

// A reader of one domain, who believes its newest checkpoint and nothing else.
type reader struct {
	policy *policy
	files  folder
	head   tlog.Tree
}

func (r *reader) hashes() tlog.HashReader { return tlog.TileHashReader(r.head, r.files) }

func (r *reader) note(name string) error {
	if name == "log/checkpoint" {
		tree, err := r.policy.open(r.files[name], 0)
		if err == nil && tree != r.head {
			err = errors.New("another head")
		}
		return err
	}
	tree, err := r.policy.open(r.files[name], r.policy.k)
	if err != nil {
		return err
	}
	if name != fmt.Sprintf("checkpoints/%020d", tree.N) {
		return errors.New("another size's note")
	}
	if tree.N == r.head.N {
		if tree.Hash != r.head.Hash {
			return errors.New("a fork")
		}
		return nil
	}
	proof, err := tlog.ProveTree(r.head.N, tree.N, r.hashes())
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, r.head.N, r.head.Hash, tree.N, tree.Hash)
}

func (r *reader) tile(name string) error {
	t, err := tlog.ParseTilePath(strings.Replace(strings.TrimPrefix(name, "log/"), "tile/", "tile/8/", 1))
	if err != nil {
		return err
	}
	want, err := tlog.ReadTileData(t, r.hashes())
	if err == nil && !bytes.Equal(want, r.files[name]) {
		err = errors.New("not the log's hashes")
	}
	return err
}

func entries(data []byte) (out [][]byte, err error) {
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("cut short")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:end])
		data = data[end:]
	}
	return out, nil
}

func (r *reader) bundle(name string) error {
	t, err := tlog.ParseTilePath(strings.Replace(name, "log/tile/entries/", "tile/8/0/", 1))
	if err != nil {
		return err
	}
	list, err := entries(r.files[name])
	if err == nil && len(list) != t.W {
		err = fmt.Errorf("%d entries", len(list))
	}
	for i := 0; err == nil && i < len(list); i++ {
		var proof tlog.RecordProof
		index := t.N*256 + int64(i)
		if proof, err = tlog.ProveRecord(r.head.N, index, r.hashes()); err == nil {
			err = tlog.CheckRecord(proof, r.head.N, r.head.Hash, index, tlog.RecordHash(list[i]))
		}
	}
	return err
}

func (r *reader) file(name string) error {
	switch {
	case name == "log.vkey":
		if string(r.files[name]) != r.policy.vkey+"\n" {
			return errors.New("another key")
		}
		return nil
	case name == "log/checkpoint" || strings.HasPrefix(name, "checkpoints/"):
		return r.note(name)
	case strings.HasPrefix(name, "log/tile/entries/"):
		return r.bundle(name)
	case strings.HasPrefix(name, "log/tile/"):
		return r.tile(name)
	}
	return errNotOurs
}

// ---- alterations ----

type tally struct{ honest, altered int }

// refuse alters data in every way and demands an error each time.
func (t *tally) refuse(what string, data []byte, step int, holds func([]byte) error) {
	try := func(how string, altered []byte) {
		t.altered++
		if holds(altered) == nil {
			check(errors.New("an altered copy holds"), what+", "+how)
		}
	}
	for at := 0; at < len(data); at += step {
		copied := clone(data)
		copied[at] ^= 1 << (at / step % 8)
		try(fmt.Sprintf("byte %d", at), copied)
	}
	try("cut", data[:len(data)-1])
	try("longer", append(clone(data), 'A'))
	try("empty", nil)
}

func (t *tally) tree(p *policy, f folder, step int) {
	tree, err := p.open(f["log/checkpoint"], 0)
	check(err, "log/checkpoint")
	r := &reader{p, f, tree}
	var names []string
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		err := r.file(name)
		if err == errNotOurs {
			continue
		}
		check(err, name)
		t.honest++
		whole := f[name]
		t.refuse(name, whole, step, func(data []byte) error {
			f[name] = data
			defer func() { f[name] = whole }()
			return r.file(name)
		})
	}
	for name := range f {
		if !strings.HasPrefix(name, "log/tile/entries/000") {
			continue
		}
		first, err := entries(f[name])
		check(err, name)
		if !bytes.Equal(first[0], f["genesis"]) {
			check(errors.New("not entry 0"), "genesis")
		}
	}
	t.proofs(r)
}

// proofs makes each proof of the tree, and turns over a bit of each hash of each.
func (t *tally) proofs(r *reader) {
	for old := int64(1); old < r.head.N; old++ {
		root, err := tlog.TreeHash(old, r.hashes())
		check(err, "root")
		proof, err := tlog.ProveTree(r.head.N, old, r.hashes())
		check(err, "consistency")
		holds := func() error { return tlog.CheckTree(proof, r.head.N, r.head.Hash, old, root) }
		check(holds(), fmt.Sprintf("consistency from %d", old))
		t.honest++
		t.hashes(proof, &root, holds)
	}
	for i := int64(0); i < r.head.N; i++ {
		hash, err := r.hashes().ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		check(err, "leaf")
		proof, err := tlog.ProveRecord(r.head.N, i, r.hashes())
		check(err, "inclusion")
		holds := func() error { return tlog.CheckRecord(proof, r.head.N, r.head.Hash, i, hash[0]) }
		check(holds(), fmt.Sprintf("inclusion of %d", i))
		t.honest++
		t.hashes(proof, &hash[0], holds)
	}
}

func (t *tally) hashes(proof []tlog.Hash, more *tlog.Hash, holds func() error) {
	try := func(h *tlog.Hash, bit int) {
		h[bit/8] ^= 1 << (bit % 8)
		t.altered++
		if holds() == nil {
			check(errors.New("an altered hash holds"), "proof")
		}
		h[bit/8] ^= 1 << (bit % 8)
	}
	for bit := 0; bit < 256; bit += 37 {
		for i := range proof {
			try(&proof[i], bit)
		}
		try(more, bit)
	}
}

// ---- a stored proof ----

func storedProof(p *policy, data, entry []byte) error {
	head, signed, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil || lines[1] != fmt.Sprintf("index %d", index) {
		return errors.New("index")
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line {
			return errors.New("path")
		}
		proof = append(proof, h)
	}
	tree, err := p.open([]byte(signed), p.k)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func (t *tally) storedProof(path string, step int) {
	var v struct {
		Vkeys []string
		K     int
		Proof string `json:"tlog_proof_258"`
	}
	data, err := os.ReadFile(path)
	check(err, path)
	check(json.Unmarshal(data, &v), path)
	p, err := policyOf(v.Vkeys[0], v.Vkeys[1:], v.K)
	check(err, path)
	holds := func(data []byte) error { return storedProof(p, data, []byte("entry-258")) }
	check(holds([]byte(v.Proof)), ".tlog-proof")
	t.honest++
	t.refuse(".tlog-proof", []byte(v.Proof), step, holds)
	if storedProof(p, []byte(v.Proof), []byte("entry-257")) == nil {
		check(errors.New("another entry holds"), ".tlog-proof")
	}
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "genesis" {
		os.Stdout.Write(readTree(os.Args[2])["genesis"])
		return
	}
	if len(os.Args) != 5 {
		check(errors.New("foreign POLICY LOG.JSON STEP TREE"), "usage")
	}
	text, err := os.ReadFile(os.Args[1])
	check(err, os.Args[1])
	p, err := readPolicy(string(text))
	check(err, os.Args[1])
	step, err := strconv.Atoi(os.Args[3])
	check(err, "step")
	var t tally
	t.storedProof(os.Args[2], step)
	t.tree(p, readTree(os.Args[4]), step)
	fmt.Printf("%s: %d files and proofs hold, %d altered copies refused\n", os.Args[4], t.honest, t.altered)
}
