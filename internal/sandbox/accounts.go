package sandbox

import "net/http"

// Account is an account that a simulated provider accepts. The settings have the names that Backstop gives them.
type Account struct {
	Provider string            `json:"provider"`
	Channel  string            `json:"channel"`
	Settings map[string]string `json:"settings"`
}

// Accounts returns the accounts of all simulated providers. The address is that of the sandbox, such as http://127.0.0.1:8090.
func (s *Server) Accounts(address string) []Account {
	accounts := []Account{
		{providerMeta, channelWhatsApp, map[string]string{
			"base_url": address, "phone_number_id": s.meta.PhoneNumberID, "access_token": s.meta.AccessToken,
			"app_secret": s.meta.AppSecret, "verify_token": s.meta.VerifyToken,
		}},
		{providerTwilio, channelSMS, map[string]string{
			"base_url": address, "account_sid": s.twilio.AccountSID, "auth_token": s.twilio.AuthToken,
		}},
		{providerTwilio, channelWhatsApp, map[string]string{
			"base_url": address, "account_sid": s.twilio.AccountSID, "auth_token": s.twilio.AuthToken, "whatsapp_sender": "+14155238886",
		}},
	}
	for _, face := range s.faces {
		accounts = append(accounts, face.accounts(address)...)
	}
	return accounts
}

// serveAccounts lists the accounts: GET /accounts.
func (s *Server) serveAccounts(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"accounts": s.Accounts("http://" + r.Host)})
}

func (i Infobip) accounts(address string) []Account {
	return []Account{
		{providerInfobip, channelSMS, map[string]string{"base_url": address + "/infobip", "api_key": i.APIKey}},
		{providerInfobip, channelWhatsApp, map[string]string{"base_url": address + "/infobip", "api_key": i.APIKey, "sender": i.Sender}},
	}
}

func (a Alibaba) accounts(address string) []Account {
	return []Account{
		{providerAlibaba, channelSMS, map[string]string{
			"sms_endpoint": address + "/alibaba/sms", "access_key_id": a.AccessKeyID, "access_key_secret": a.AccessKeySecret,
		}},
		{providerAlibaba, channelWhatsApp, map[string]string{
			"whatsapp_endpoint": address + "/alibaba/whatsapp", "access_key_id": a.AccessKeyID, "access_key_secret": a.AccessKeySecret,
			"whatsapp_sender": a.WhatsAppSender,
		}},
	}
}

// accounts returns none if the application has no API key: the private key is not the sandbox's.
func (v Vonage) accounts(address string) []Account {
	if v.APIKey == "" {
		return nil
	}
	settings := func() map[string]string {
		return map[string]string{
			"base_url": address + "/vonage", "api_key": v.APIKey, "api_secret": v.APISecret, "signature_secret": v.SignatureSecret,
		}
	}
	whatsApp := settings()
	whatsApp["sender"] = v.Sender
	return []Account{{providerVonage, channelSMS, settings()}, {providerVonage, channelWhatsApp, whatsApp}}
}

func (g Gateways) accounts(address string) []Account {
	var accounts []Account
	for _, recipe := range []string{"46elks", "africastalking", "capcom6", "httpsms", "jasmin", "kannel", "sinch", "telnyx"} {
		accounts = append(accounts, Account{providerHTTP, channelSMS, map[string]string{
			"recipe": recipe, "base_url": address + "/gateways/" + recipe, "username": g.Username, "password": g.Password,
			"token": g.Token, "receipt_secret": g.ReceiptSecret,
		}})
	}
	return accounts
}

func (t Telnyx) accounts(address string) []Account {
	return []Account{{providerTelnyx, channelSMS, map[string]string{
		"base_url": address + "/telnyx", "api_key": t.APIKey, "public_key": t.PublicKey(), "messaging_profile_id": t.ProfileID,
	}}}
}
