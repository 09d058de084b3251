// Writes a log as strangers do, with golang.org/x/mod's note and tlog alone: C2SP tlog-tiles, a checkpoint that four witnesses may have cosigned
// (C2SP tlog-cosignature), the log's key and a trust policy that asks for three of the four.  The keys are the same each time.
//
//	stranger DIR SIZE COSIGNERS [FROM]   DIR/log/checkpoint and tile/, DIR/log.vkey, DIR/policy; entries from number FROM on are others; prints the root
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin    = "stranger.example/log"
	height    = 8
	witnesses = 4
	quorum    = 3
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "stranger:", err)
		os.Exit(1)
	}
}

// The seed of a key, and what note takes for chance.
func seedOf(name string) []byte {
	seed := sha256.Sum256([]byte(name))
	return seed[:]
}

// A witness's key is of a type that note does not know, but lets us add.
type witness struct {
	name string
	key  ed25519.PrivateKey
}

func witnessOf(i int) witness {
	name := fmt.Sprintf("witness-%d.example", i+1)
	return witness{name, ed25519.NewKeyFromSeed(seedOf(name))}
}
func (w witness) public() []byte { return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...) }
func (w witness) Name() string   { return w.name }
func (w witness) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.public()...))
	return binary.BigEndian.Uint32(sum[:])
}
func (w witness) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, w.KeyHash(), base64.StdEncoding.EncodeToString(w.public()))
}
func (w witness) Sign(msg []byte) ([]byte, error) {
	now := uint64(time.Now().Unix())
	sig := binary.BigEndian.AppendUint64(nil, now)
	return append(sig, ed25519.Sign(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, msg)))...), nil
}

// Of all lengths, nothing among them.
func entry(i, from int64) []byte {
	text := fmt.Sprintf("entry %d ", i)
	if i >= from {
		text = fmt.Sprintf("other %d ", i)
	}
	return []byte(strings.Repeat(text, int(i%40)))
}

func write(path string, data []byte) {
	check(os.MkdirAll(filepath.Dir(path), 0o755))
	check(os.WriteFile(path, data, 0o644))
}

// tlog names the height, and calls entries data; tlog-tiles has one height.
func tilePath(t tlog.Tile) string {
	return strings.Replace(strings.Replace(t.Path(), "tile/8/", "tile/", 1), "tile/data/", "tile/entries/", 1)
}

func main() {
	if len(os.Args) != 4 && len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "stranger DIR SIZE COSIGNERS [FROM]")
		os.Exit(2)
	}
	dir := os.Args[1]
	size, err := strconv.ParseInt(os.Args[2], 10, 64)
	check(err)
	cosigners, err := strconv.Atoi(os.Args[3])
	check(err)
	from := size
	if len(os.Args) == 5 {
		from, err = strconv.ParseInt(os.Args[4], 10, 64)
		check(err)
	}

	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for i := int64(0); i < size; i++ {
		more, err := tlog.StoredHashes(i, entry(i, from), hashes)
		check(err)
		stored = append(stored, more...)
	}
	bundle := func(t tlog.Tile) (out []byte) {
		for i := t.N << height; i < t.N<<height+int64(t.W); i++ {
			out = binary.BigEndian.AppendUint16(out, uint16(len(entry(i, from))))
			out = append(out, entry(i, from)...)
		}
		return
	}
	// All that it ever had: partial tiles of every width, too.
	for _, t := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(t, hashes)
		check(err)
		write(filepath.Join(dir, "log", tilePath(t)), data)
		if t.L == 0 {
			t.L = -1
			write(filepath.Join(dir, "log", tilePath(t)), bundle(t))
		}
	}
	root, err := tlog.TreeHash(size, hashes)
	check(err)

	skey, vkey, err := note.GenerateKey(bytes.NewReader(seedOf(origin)), origin)
	check(err)
	signer, err := note.NewSigner(skey)
	check(err)
	signers := []note.Signer{signer}
	policy := fmt.Sprintf("# whom to believe\nlog %s\n", vkey)
	names := ""
	for i := 0; i < witnesses; i++ {
		w := witnessOf(i)
		if i < cosigners {
			signers = append(signers, w)
		}
		policy += fmt.Sprintf("witness w%d %s\n", i+1, w.vkey())
		names += fmt.Sprintf(" w%d", i+1)
	}
	policy += fmt.Sprintf("group four %d%s\nquorum four\n", quorum, names)
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
	head, err := note.Sign(&note.Note{Text: text}, signers...)
	check(err)
	write(filepath.Join(dir, "log", "checkpoint"), head)
	write(filepath.Join(dir, "log.vkey"), []byte(vkey+"\n"))
	write(filepath.Join(dir, "policy"), []byte(policy))
	fmt.Printf("%x\n", root[:])
}
