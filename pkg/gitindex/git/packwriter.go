package git

import (
	"compress/zlib"
	"context"
	"crypto/sha1" // Git's own checksum
	"encoding/binary"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// writePack writes objects as a packfile, whole and one at a time. go-git's
// encoder would hold all of them in memory, to find deltas.
func writePack(ctx context.Context, out io.Writer, from storer.EncodedObjectStorer, hashes []plumbing.Hash) error {
	sum := sha1.New()
	w := io.MultiWriter(out, sum)
	header := binary.BigEndian.AppendUint32([]byte("PACK"), 2)
	header = binary.BigEndian.AppendUint32(header, uint32(len(hashes)))
	if _, err := w.Write(header); err != nil {
		return err
	}
	compressor := zlib.NewWriter(w) // costs too much to have one for each object
	for _, hash := range hashes {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := from.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return fmt.Errorf("object %s: %w", hash, err)
		}
		if err := writeObject(w, compressor, o); err != nil {
			return err
		}
	}
	_, err := out.Write(sum.Sum(nil))
	return err
}

func writeObject(w io.Writer, compressor *zlib.Writer, o plumbing.EncodedObject) error {
	if _, err := w.Write(objectHeader(o.Type(), o.Size())); err != nil {
		return err
	}
	content, err := o.Reader()
	if err != nil {
		return err
	}
	defer content.Close()
	compressor.Reset(w)
	if _, err := io.Copy(compressor, content); err != nil {
		return err
	}
	return compressor.Close()
}

// objectHeader is the type and the size: four bits of the size in the first
// byte, then seven bits a byte, the top bit saying that there are more.
func objectHeader(kind plumbing.ObjectType, size int64) []byte {
	first := byte(kind)<<4 | byte(size&0xf)
	header := []byte{first}
	for size >>= 4; size > 0; size >>= 7 {
		header[len(header)-1] |= 0x80
		header = append(header, byte(size&0x7f))
	}
	return header
}
