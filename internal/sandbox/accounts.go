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
			"base_url": address, "account_sid": s.twilio.AccountSID, "auth_token": s.twilio.AuthToken,
			"whatsapp_sender": "+14155238886", // the sandbox takes any sender
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
