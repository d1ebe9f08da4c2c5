package admission

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	admissionv1 "k8s.io/api/admission/v1"
	kjson "sigs.k8s.io/json"
)

const (
	envelopeBytes = 1 << 20 // of a review without its objects
	envelopeDepth = 32
)

// readEnvelope reads a review to its end, and returns it without the objects in
// it. That takes little memory, however large they are.
func readEnvelope(r io.Reader) (*admissionv1.AdmissionReview, error) {
	e := envelope{in: bufio.NewReader(r)}
	if err := e.copyValue(0); err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	if _, err := io.Copy(io.Discard, e.in); err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	var review admissionv1.AdmissionReview
	if err := kjson.UnmarshalCaseSensitivePreserveInts(e.out.Bytes(), &review); err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	return &review, nil
}

// envelope copies JSON from in to out, but for the request's objects: null
// stands for them.
type envelope struct {
	in  *bufio.Reader
	out bytes.Buffer
}

// copyValue copies a value that is so many others deep.
func (e *envelope) copyValue(depth int) error {
	first, err := e.next()
	if err != nil {
		return err
	}
	switch first {
	case '{', '[':
		return e.copyNested(first, depth)
	case '"':
		_, err := e.copyString()
		return err
	}
	return e.scalar(first, e.write)
}

// copyNested copies what follows a bracket up to the one that closes it.
func (e *envelope) copyNested(open byte, depth int) error {
	if depth == envelopeDepth {
		return errors.New("it is nested too deeply")
	}
	if err := e.write(open); err != nil {
		return err
	}
	for {
		b, err := e.next()
		if err != nil {
			return err
		}
		switch b {
		case '}', ']':
			return e.write(b)
		case ',':
			if err := e.write(b); err != nil {
				return err
			}
			continue
		}
		if open == '[' {
			if err := e.in.UnreadByte(); err != nil {
				return err
			}
			if err := e.copyValue(depth + 1); err != nil {
				return err
			}
			continue
		}
		if err := e.copyMember(b, depth); err != nil {
			return err
		}
	}
}

// copyMember copies a key, which begins with a quote, and its value.
func (e *envelope) copyMember(quote byte, depth int) error {
	if quote != '"' {
		return fmt.Errorf("a key begins with %q", quote)
	}
	key, err := e.copyString()
	if err != nil {
		return err
	}
	colon, err := e.next()
	if err != nil {
		return err
	}
	if err := e.write(colon); err != nil {
		return err
	}
	if depth == 1 && (key == "object" || key == "oldObject") {
		e.out.WriteString("null")
		return e.skipValue()
	}
	return e.copyValue(depth + 1)
}

// copyString copies what follows a quote up to the one that ends it, and returns
// it as it is written.
func (e *envelope) copyString() (string, error) {
	if err := e.write('"'); err != nil {
		return "", err
	}
	start := e.out.Len()
	err := e.quoted(e.write)
	return string(e.out.Bytes()[start:max(start, e.out.Len()-1)]), err
}

// skipValue reads a value and drops it.
func (e *envelope) skipValue() error {
	drop := func(byte) error { return nil }
	depth := 0
	for {
		b, err := e.next()
		if err != nil {
			return err
		}
		switch b {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			err = e.quoted(drop)
		case ',', ':':
		default:
			err = e.scalar(b, drop)
		}
		if err != nil || depth <= 0 {
			return err
		}
	}
}

// quoted reads to the end of a string, and hands each byte on, the last quote
// too.
func (e *envelope) quoted(take func(byte) error) error {
	for escaped := false; ; {
		b, err := e.in.ReadByte()
		if err != nil {
			return ended(err)
		}
		if err := take(b); err != nil {
			return err
		}
		switch {
		case escaped:
			escaped = false
		case b == '\\':
			escaped = true
		case b == '"':
			return nil
		}
	}
}

// scalar reads a number or a word that begins with first.
func (e *envelope) scalar(first byte, take func(byte) error) error {
	for b := first; ; {
		if err := take(b); err != nil {
			return err
		}
		var err error
		if b, err = e.in.ReadByte(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		switch b {
		case ',', ':', '}', ']', ' ', '\t', '\r', '\n':
			return e.in.UnreadByte()
		}
	}
}

// next is the next byte that isn't space.
func (e *envelope) next() (byte, error) {
	for {
		b, err := e.in.ReadByte()
		if err != nil {
			return 0, ended(err)
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b, nil
	}
}

func (e *envelope) write(b byte) error {
	if e.out.Len() >= envelopeBytes {
		return fmt.Errorf("it has more than %d bytes beside its objects", envelopeBytes)
	}
	return e.out.WriteByte(b)
}

// ended says of an end that it comes too soon.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
