// The log peer: golang.org/x/mod's tlog, with 256-byte entries and one processor.  For each line on stdin a rate per second:
//
//	append-1024   entries, in groups of 1,024: hashes, then one write and fsync each of a file of entries and a file of hashes
//	append-1      the same, one by one
//	node          inner nodes
//	rehash        entries of a tree of 2^18, leaves and nodes
//	prove         inclusion proofs made, in that tree
//	check         inclusion proofs checked, leaf hash included
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	size  = 1 << 18
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
		fmt.Fprintln(os.Stderr, "log peer:", err)
		os.Exit(1)
	}
}

func entry(buf []byte, n int64) []byte {
	binary.BigEndian.PutUint64(buf, uint64(n))
	return buf
}

type tree struct {
	n      int64
	stored hashes
}

func (t *tree) add(data []byte) []tlog.Hash {
	more, err := tlog.StoredHashes(t.n, data, t.stored)
	check(err)
	t.stored = append(t.stored, more...)
	t.n++
	return more
}

func appendGroups(dir string, group int) float64 {
	var t tree
	entries, err := os.Create(dir + "/entries")
	check(err)
	nodes, err := os.Create(dir + "/hashes")
	check(err)
	buf := make([]byte, 256)
	start := time.Now()
	for time.Since(start) < round {
		var data, node []byte
		for i := 0; i < group; i++ {
			data = append(data, entry(buf, t.n)...)
			for _, h := range t.add(buf) {
				node = append(node, h[:]...)
			}
		}
		_, err = entries.Write(data)
		check(err)
		check(entries.Sync())
		_, err = nodes.Write(node)
		check(err)
		check(nodes.Sync())
	}
	rate := float64(t.n) / time.Since(start).Seconds()
	entries.Close()
	nodes.Close()
	return rate
}

func nodes() float64 {
	var h tlog.Hash
	n, start := 0, time.Now()
	for ; n%1024 != 0 || time.Since(start) < round; n++ {
		h = tlog.NodeHash(h, h)
	}
	return float64(n) / time.Since(start).Seconds()
}

func rehash() float64 {
	row := make([]tlog.Hash, size)
	buf := make([]byte, 256)
	start := time.Now()
	for i := range row {
		row[i] = tlog.RecordHash(entry(buf, int64(i)))
	}
	for ; len(row) > 1; row = row[:len(row)/2] {
		for i := 0; i < len(row); i += 2 {
			row[i/2] = tlog.NodeHash(row[i], row[i+1])
		}
	}
	return size / time.Since(start).Seconds()
}

func index(i int64) int64 {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	return int64(binary.BigEndian.Uint64(h[:]) % size)
}

func main() {
	runtime.GOMAXPROCS(1)
	dir, err := os.MkdirTemp("build/bench", "peer-")
	check(err)
	defer os.RemoveAll(dir)
	var t tree
	buf := make([]byte, 256)
	for t.n < size {
		t.add(entry(buf, t.n))
	}
	root, err := tlog.TreeHash(size, t.stored)
	check(err)
	const cnt = 4096
	at, proofs := make([]int64, cnt), make([]tlog.RecordProof, cnt)
	for i := range at {
		at[i] = index(int64(i))
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "append-1024":
			fmt.Println(appendGroups(dir, 1024))
			continue
		case "append-1":
			fmt.Println(appendGroups(dir, 1))
			continue
		case "node":
			fmt.Println(nodes())
			continue
		case "rehash":
			fmt.Println(rehash())
			continue
		}
		n, start := 0, time.Now()
		for ; n%cnt != 0 || time.Since(start) < round; n++ {
			i := n % cnt
			if lines.Text() == "prove" {
				proofs[i], err = tlog.ProveRecord(size, at[i], t.stored)
			} else {
				err = tlog.CheckRecord(proofs[i], size, root, at[i], tlog.RecordHash(entry(buf, at[i])))
			}
			check(err)
		}
		fmt.Println(float64(n) / time.Since(start).Seconds())
	}
}
