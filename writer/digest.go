package writer

import (
	"encoding/hex"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/sessionsync/sessionsync/document"
)

// A digest tells documents apart after a crash. Nobody gains by forging one: who could would write the tasks file itself. So
// it need only be quick: XXH3 takes a tenth of the time of writing, where SHA-256 takes longer than that.

func digestOf(data []byte) string {
	sum := xxh3.Hash128(data).Bytes()
	return hex.EncodeToString(sum[:])
}

// writeDigested writes a document and returns its digest; with io.Discard it only tells that.
func writeDigested(to io.Writer, doc *document.Document) (string, error) {
	hash := xxh3.New()
	if _, err := doc.WriteTo(io.MultiWriter(to, hash)); err != nil {
		return "", err
	}
	sum := hash.Sum128().Bytes()
	return hex.EncodeToString(sum[:]), nil
}
