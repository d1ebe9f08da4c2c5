package certificates_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"k8s.io/utils/clock"

	"gitonly.dev/gitonly/pkg/certificates"
)

func TestWhetherThereIsARegistrationIsSaidOnce(t *testing.T) {
	there, forbidden := new(certificates.Registration), errors.New("forbidden")
	const (
		gone   = `"msg"="there is no registration: the API server asks gitonly about nothing, and every write passes" "error"=null "validatingWebhookConfiguration"="gitonly"`
		unread = `"msg"="whether there is a registration isn't known" "error"="forbidden" "validatingWebhookConfiguration"="gitonly"`
		again  = `"level"=0 "msg"="the registration is there again" "validatingWebhookConfiguration"="gitonly"`
	)
	synctest.Test(t, func(t *testing.T) {
		var said string
		type look struct {
			registration *certificates.Registration
			err          error
			want         certificates.Found
			says         string
		}
		looks := make(chan look)
		read := func(context.Context) (*certificates.Registration, error) {
			l := <-looks
			return l.registration, l.err
		}
		p := certificates.NewPresence("gitonly", read, clock.RealClock{}, logger(&said))
		if p.Found() != certificates.Unread {
			t.Error("it is known before anybody has looked")
		}
		go func() { _ = p.Start(t.Context()) }() // it has no errors
		for i, l := range []look{
			{there, nil, certificates.Present, ""},
			{nil, nil, certificates.Gone, gone},
			{nil, nil, certificates.Gone, ""},
			{nil, forbidden, certificates.Unread, unread},
			{nil, forbidden, certificates.Unread, ""},
			{there, nil, certificates.Present, again},
			{there, nil, certificates.Present, ""},
			{nil, forbidden, certificates.Unread, unread},
			{nil, nil, certificates.Gone, gone},
		} {
			said = ""
			looks <- l // after five seconds, but for the first
			synctest.Wait()
			if got := p.Found(); got != l.want || said != l.says {
				t.Errorf("look %d: it is %d, want %d, and says\n%s\nwant\n%s", i, got, l.want, said, l.says)
			}
		}
	})
}

// logger writes the last line of a log.
func logger(line *string) logr.Logger {
	return funcr.New(func(_, args string) { *line = args }, funcr.Options{})
}
