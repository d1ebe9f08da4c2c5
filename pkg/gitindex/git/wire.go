package git

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// This is the little of Git's pack protocol (version 0) that HTTP and SSH
// have in common. go-git's own clients aren't used: they are configured by
// globals, read ~/.ssh/config, and leave out multi_ack, without which Azure
// DevOps refuses to talk.

// maxRefs bounds the list of refs, in bytes: that of half a million. It is held
// in memory, where it takes several times as much.
const maxRefs = 32 << 20

// readRefs reads what a server opens the conversation with.
func readRefs(r io.Reader) (*refs, error) {
	adv := packp.NewAdvRefs()
	var seen beginning
	list := &io.LimitedReader{R: r, N: maxRefs}
	switch err := adv.Decode(io.TeeReader(list, &seen)); {
	case err != nil && list.N <= 0:
		return nil, fmt.Errorf("the server lists more than %s of branches, tags and other refs: have it hide some", gitindex.BytesText(maxRefs))
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil, errEmpty
	case err != nil && strings.Contains(seen.String(), " object-format=sha256"):
		return nil, errors.New("the repository's objectformat is sha256, which is not supported: only sha1 is")
	case err != nil:
		return nil, unreadable(err)
	case adv.IsEmpty():
		return nil, errEmpty
	}
	return advertised(adv), nil
}

// ask says which objects are wanted. Nothing is said to be here already: with
// shallow history a server could leave out files only if it were free to send
// deltas against them, which go-git can't index.
func ask(r *refs, wants []plumbing.Hash, shallow bool) (*packp.UploadPackRequest, error) {
	if !r.capabilities.Supports(capability.Sideband64k) && !r.capabilities.Supports(capability.Sideband) {
		return nil, errors.New("the server is too old: it has no side-band capability")
	}
	req := packp.NewUploadPackRequestFromCapabilities(r.capabilities)
	req.Capabilities.Delete(capability.ThinPack)
	req.Wants = wants
	if r.capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	if shallow && r.capabilities.Supports(capability.Shallow) {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return nil, err
		}
		req.Depth = packp.DepthCommits(1)
	}
	return req, req.Validate()
}

func writeRequest(w io.Writer, req *packp.UploadPackRequest) error {
	if err := req.UploadRequest.Encode(w); err != nil {
		return err
	}
	return pktline.NewEncoder(w).EncodeString("done\n")
}

// readPack reads a server's answer up to the packfile, and returns that.
func readPack(req *packp.UploadPackRequest, body io.ReadCloser) (io.ReadCloser, error) {
	response := packp.NewUploadPackResponse(req)
	if err := response.Decode(body); err != nil {
		return nil, unreadable(err)
	}
	kind := sideband.Sideband
	if req.Capabilities.Supports(capability.Sideband64k) {
		kind = sideband.Sideband64k
	}
	return &packBody{Reader: sideband.NewDemuxer(kind, response), Closer: body}, nil
}

// unreadable tells what a server said on purpose from what makes no sense.
func unreadable(err error) error {
	var said *pktline.ErrorLine
	var limit *limitError
	switch {
	case errors.As(err, &said):
		return serverError(said.Text)
	case errors.As(err, &limit):
		return limit
	default:
		return fmt.Errorf("the server's answer can't be read: %w", err)
	}
}

type packBody struct {
	io.Reader
	io.Closer
}
