// Reads a log directory with golang.org/x/mod's tlog and note, a second
// implementation of the same formats: the note's signature, every tile against
// the root, every entry's inclusion, and consistency from a few smaller sizes.
//
//	tlog DIR VKEY-FILE
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "tlog peer: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// dir serves tiles of height 8, which tlog-tiles leaves out of the names.
type dir string

func (d dir) Height() int                         { return 8 }
func (d dir) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (d dir) path(t tlog.Tile) string {
	return filepath.Join(string(d), strings.Replace(t.Path(), "tile/8/", "tile/", 1))
}

func (d dir) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(d.path(t))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (d dir) entries(n int64, width int) [][]byte {
	path := strings.Replace(d.path(tlog.Tile{H: 8, L: 0, N: n, W: width}), "tile/0/", "tile/entries/", 1)
	data, err := os.ReadFile(path)
	check(err, "bundle")
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			check(fmt.Errorf("cut short"), path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		out = append(out, data[2:end])
		data = data[end:]
	}
	if len(out) != width {
		check(fmt.Errorf("%d entries", len(out)), path)
	}
	return out
}

func main() {
	if len(os.Args) != 3 {
		check(fmt.Errorf("tlog DIR VKEY-FILE"), "usage")
	}
	d := dir(os.Args[1])
	vkey, err := os.ReadFile(os.Args[2])
	check(err, "vkey")
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	check(err, "vkey")
	msg, err := os.ReadFile(filepath.Join(string(d), "checkpoint"))
	check(err, "checkpoint")
	n, err := note.Open(msg, note.VerifierList(verifier))
	check(err, "checkpoint")

	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		check(fmt.Errorf("text %q", n.Text), "checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "root")
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, d)
	got, err := tlog.TreeHash(size, reader)
	check(err, "tiles")
	if got != root {
		check(fmt.Errorf("tiles give %v, the checkpoint says %v", got, root), "root")
	}
	for first := int64(0); first < size; first += 256 {
		width := 256
		if size-first < 256 {
			width = int(size - first)
		}
		for i, entry := range d.entries(first/256, width) {
			index := first + int64(i)
			proof, err := tlog.ProveRecord(size, index, reader)
			check(err, "proof")
			check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)), fmt.Sprintf("entry %d", index))
		}
	}
	for old := int64(1); old < size; old = old*2 + 1 {
		oldRoot, err := tlog.TreeHash(old, reader)
		check(err, "old root")
		proof, err := tlog.ProveTree(size, old, reader)
		check(err, "consistency")
		check(tlog.CheckTree(proof, size, root, old, oldRoot), fmt.Sprintf("consistency from %d", old))
	}
	fmt.Printf("tlog peer: %s, %d entries agree\n", lines[0], size)
}
