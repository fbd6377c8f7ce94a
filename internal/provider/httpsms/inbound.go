package httpsms

import (
	"errors"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// inbound is how the gateway passes on a message of a person: which reports are one, and where its parts are.
type inbound struct {
	match

	id, from, to, text *extract
}

func (n node) inbound() *inbound {
	if n.isMissing() {
		return nil
	}
	fields := n.object("path", "value", "pattern", "id", "from", "to", "text")
	in := &inbound{
		match: n.match(fields),
		id:    fields["id"].extract(),
		from:  fields["from"].extract(),
		to:    fields["to"].extract(),
		text:  fields["text"].extract(),
	}
	for _, field := range []string{"id", "from", "text"} {
		if fields[field].isMissing() {
			fields[field].faultf("is required")
		}
	}
	return in
}

// inboundReceipt returns the receipt of a message of a person. It returns nil if its number is hidden.
func (c *Client) inboundReceipt(s source) (*backstop.Receipt, error) {
	how := c.gateway.receipts
	id := how.inbound.id.find(s)
	if !provider.ValidMessageID(id) {
		return nil, errors.New("read inbound message: its id is missing or too long")
	}
	message := provider.Inbound(how.inbound.from.find(s), how.inbound.to.find(s), how.inbound.text.find(s), "")
	if message == nil {
		return nil, nil //nolint:nilnil // a person without a number cannot be matched with a send
	}
	return &backstop.Receipt{
		Provider: name, Account: c.account, Channel: backstop.SMS, MessageID: id, At: how.timeOf(s, time.Now()), Inbound: message,
	}, nil
}
