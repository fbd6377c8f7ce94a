package sandbox

// Faces returns the simulated providers besides Meta and Twilio, with the values that GET /accounts lists. A new one needs a line
// here.
func Faces() []Face {
	return []Face{
		Infobip{APIKey: "sandbox-api-key", Sender: "447860099299"},
		Alibaba{
			AccessKeyID: "sandbox-access-key", AccessKeySecret: "sandbox-access-secret", WhatsAppSender: "6591234567",
		},
		Vonage{ //nolint:gosec // the secrets of a simulation
			APIKey: "sandbox", APISecret: "sandbox-api-secret", SignatureSecret: "sandbox-signature-secret",
			Sender: "447860099299",
		},
		Telnyx{
			APIKey: "sandbox-api-key", ProfileID: "40000000-0000-4000-8000-000000000000",
			Seed: "sandbox-telnyx-signing-seed-0001",
		},
		Gateways{
			Username: "sandbox", Password: "sandbox-password", Token: "sandbox-token", ReceiptSecret: "sandbox-receipt-secret",
		},
	}
}
