// The HPKE peer: CIRCL's hpke, X25519, HKDF-SHA256, AES-128-GCM, one processor.  For each line on stdin the rate of
// openings of 256 bytes, each with its own encapsulated key.
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/cloudflare/circl/hpke"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "hpke peer:", err)
		os.Exit(1)
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	kem := hpke.KEM_X25519_HKDF_SHA256
	suite := hpke.NewSuite(kem, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES128GCM)
	pub, priv, err := kem.Scheme().GenerateKeyPair()
	check(err)
	const cnt = 64
	var encs, boxes [cnt][]byte
	for i := range encs {
		sender, err := suite.NewSender(pub, nil)
		check(err)
		enc, sealer, err := sender.Setup(rand.Reader)
		check(err)
		encs[i] = enc
		boxes[i], err = sealer.Seal(make([]byte, 256), nil)
		check(err)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		n, start := 0, time.Now()
		for ; time.Since(start) < 400*time.Millisecond; n++ {
			receiver, err := suite.NewReceiver(priv, nil)
			check(err)
			opener, err := receiver.Setup(encs[n%cnt])
			check(err)
			_, err = opener.Open(boxes[n%cnt], nil)
			check(err)
		}
		fmt.Println(float64(n) / time.Since(start).Seconds())
	}
}
