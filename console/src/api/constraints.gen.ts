// Written by `npm run generate` from api/openapi.yaml. Do not edit.
export const constraints = {
  "RuleInput": {
    "name": {
      "minLength": 1,
      "maxLength": 64,
      "pattern": "^[^\\p{Z}\\p{Cc}]([^\\p{Cc}]*[^\\p{Z}\\p{Cc}])?$"
    },
    "type": {
      "enum": [
        "send_failed",
        "undelivered",
        "unread"
      ]
    },
    "wait_seconds": {
      "minimum": 0,
      "maximum": 2592000
    },
    "send_id": {
      "minLength": 1,
      "maxLength": 34,
      "anyOf": [
        {
          "maxLength": 11,
          "pattern": "^([A-Za-z0-9_&.+-][A-Za-z0-9 _&.+-]*)?[A-Za-z]([A-Za-z0-9 _&.+-]*[A-Za-z0-9_&.+-])?$"
        },
        {
          "pattern": "^[0-9]{3,8}$"
        },
        {
          "minLength": 1,
          "maxLength": 16,
          "pattern": "^\\+[1-9][0-9]{6,14}$"
        },
        {
          "maxLength": 34,
          "pattern": "^MG[0-9a-fA-F]{32}$"
        }
      ]
    },
    "routes": {
      "maxItems": 8
    },
    "countries": {
      "maxItems": 250
    }
  },
  "PolicyInput": {
    "name": {
      "minLength": 1,
      "maxLength": 64,
      "pattern": "^[^\\p{Z}\\p{Cc}]([^\\p{Cc}]*[^\\p{Z}\\p{Cc}])?$"
    },
    "account": {},
    "rule_ids": {
      "minItems": 1,
      "maxItems": 10
    }
  },
  "SendInput": {
    "to": {
      "minLength": 1,
      "maxLength": 16,
      "pattern": "^\\+[1-9][0-9]{6,14}$"
    },
    "message": {
      "id": {
        "maxLength": 36
      },
      "name": {
        "minLength": 1,
        "maxLength": 64
      }
    },
    "whatsapp": {
      "text": {
        "minLength": 1,
        "maxLength": 4096
      },
      "template": {
        "name": {
          "minLength": 1,
          "maxLength": 512,
          "pattern": "^[a-z0-9_]{1,512}$"
        },
        "language": {
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[a-z]{2,3}(_[A-Z]{2,3})?$"
        },
        "components": {
          "maxItems": 32
        },
        "body": {},
        "header": {
          "text": {},
          "image": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          },
          "video": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          },
          "document": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          }
        },
        "buttons": {
          "minItems": 1,
          "maxItems": 10
        }
      },
      "account": {},
      "if_unsendable": {
        "enum": [
          "refuse",
          "fall_back"
        ]
      }
    },
    "fallback": {
      "policy_id": {
        "maxLength": 36
      },
      "rules": {
        "minItems": 1,
        "maxItems": 10
      },
      "text": {
        "minLength": 1,
        "maxLength": 1600
      },
      "type": {
        "enum": [
          "send_failed",
          "undelivered",
          "unread"
        ]
      },
      "wait_seconds": {
        "minimum": 0,
        "maximum": 2592000
      },
      "send_id": {
        "minLength": 1,
        "maxLength": 34,
        "anyOf": [
          {
            "maxLength": 11,
            "pattern": "^([A-Za-z0-9_&.+-][A-Za-z0-9 _&.+-]*)?[A-Za-z]([A-Za-z0-9 _&.+-]*[A-Za-z0-9_&.+-])?$"
          },
          {
            "pattern": "^[0-9]{3,8}$"
          },
          {
            "minLength": 1,
            "maxLength": 16,
            "pattern": "^\\+[1-9][0-9]{6,14}$"
          },
          {
            "maxLength": 34,
            "pattern": "^MG[0-9a-fA-F]{32}$"
          }
        ]
      },
      "max_segments": {
        "minimum": 1,
        "maximum": 24
      },
      "transliterate": {},
      "routes": {
        "maxItems": 8
      },
      "exclusive": {}
    },
    "category": {
      "enum": [
        "authentication",
        "utility",
        "marketing"
      ]
    },
    "send_at": {
      "maxLength": 64
    },
    "if_opted_out": {
      "enum": [
        "refuse",
        "skip"
      ]
    },
    "variables": {},
    "expires_at": {
      "maxLength": 64
    },
    "correlation_id": {
      "minLength": 1,
      "maxLength": 128,
      "pattern": "^[^\\p{Z}\\p{Cc}\\p{Cf}]([^\\p{Zl}\\p{Zp}\\p{Cc}\\p{Cf}]*[^\\p{Z}\\p{Cc}\\p{Cf}])?$"
    },
    "correlation_unique": {},
    "metadata": {},
    "callback": {
      "url": {
        "minLength": 1,
        "maxLength": 2048,
        "pattern": "^https?://[!-~]+$"
      },
      "events": {
        "maxItems": 32
      }
    }
  },
  "MessageInput": {
    "name": {
      "minLength": 1,
      "maxLength": 64,
      "pattern": "^[^\\p{Z}\\p{Cc}]([^\\p{Cc}]*[^\\p{Z}\\p{Cc}])?$"
    },
    "whatsapp": {
      "text": {
        "minLength": 1,
        "maxLength": 4096
      },
      "template": {
        "name": {
          "minLength": 1,
          "maxLength": 512,
          "pattern": "^[a-z0-9_]{1,512}$"
        },
        "language": {
          "minLength": 2,
          "maxLength": 8,
          "pattern": "^[a-z]{2,3}(_[A-Z]{2,3})?$"
        },
        "components": {
          "maxItems": 32
        },
        "body": {},
        "header": {
          "text": {},
          "image": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          },
          "video": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          },
          "document": {
            "link": {
              "minLength": 1,
              "maxLength": 2048
            },
            "filename": {
              "minLength": 1,
              "maxLength": 255
            }
          }
        },
        "buttons": {
          "minItems": 1,
          "maxItems": 10
        }
      }
    },
    "sms": {
      "text": {
        "minLength": 1,
        "maxLength": 1600
      },
      "max_segments": {
        "minimum": 1,
        "maximum": 24
      },
      "transliterate": {}
    },
    "category": {
      "enum": [
        "authentication",
        "utility",
        "marketing"
      ]
    }
  },
  "AccountInput": {
    "name": {
      "minLength": 1,
      "maxLength": 64,
      "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"
    },
    "provider": {
      "minLength": 1,
      "maxLength": 64
    },
    "channel": {
      "enum": [
        "whatsapp",
        "sms"
      ]
    },
    "settings": {},
    "on_unknown": {
      "enum": [
        "resend",
        "hold"
      ]
    },
    "when_unhealthy": {
      "enum": [
        "fall_back",
        "hold"
      ]
    },
    "call_timeout_seconds": {
      "minimum": 1,
      "maximum": 20
    },
    "calls_per_second": {
      "minimum": 0,
      "maximum": 10000,
      "anyOf": [
        {
          "maximum": 0
        },
        {
          "minimum": 0.01
        }
      ]
    },
    "calls_at_once": {
      "minimum": 0,
      "maximum": 10000
    },
    "countries": {
      "maxItems": 250
    },
    "disabled": {}
  },
  "AccountTestInput": {
    "to": {
      "minLength": 1,
      "maxLength": 16,
      "pattern": "^\\+[1-9][0-9]{6,14}$"
    },
    "send_id": {
      "minLength": 1,
      "maxLength": 34,
      "anyOf": [
        {
          "maxLength": 11,
          "pattern": "^([A-Za-z0-9_&.+-][A-Za-z0-9 _&.+-]*)?[A-Za-z]([A-Za-z0-9 _&.+-]*[A-Za-z0-9_&.+-])?$"
        },
        {
          "pattern": "^[0-9]{3,8}$"
        },
        {
          "minLength": 1,
          "maxLength": 16,
          "pattern": "^\\+[1-9][0-9]{6,14}$"
        },
        {
          "maxLength": 34,
          "pattern": "^MG[0-9a-fA-F]{32}$"
        }
      ]
    },
    "text": {
      "minLength": 1,
      "maxLength": 1600
    }
  },
  "OptOutInput": {
    "to": {
      "minLength": 1,
      "maxLength": 16,
      "pattern": "^\\+[1-9][0-9]{6,14}$"
    },
    "category": {
      "enum": [
        "all",
        "authentication",
        "utility",
        "marketing"
      ]
    },
    "note": {
      "maxLength": 200
    }
  },
  "GuardsInput": {
    "allow": {
      "maxItems": 250
    },
    "block": {
      "maxItems": 250
    },
    "watch": {
      "maxItems": 250
    },
    "recipient_cap": {
      "minimum": 0,
      "maximum": 10000000
    },
    "prefix_cap": {
      "minimum": 0,
      "maximum": 10000000
    },
    "prefix_digits": {
      "minimum": 1,
      "maximum": 10
    },
    "country_cap": {
      "minimum": 0,
      "maximum": 10000000
    },
    "country_caps": {
      "maxItems": 250
    },
    "same_text_seconds": {
      "minimum": 0,
      "maximum": 86400
    },
    "same_text_answer": {
      "enum": [
        "first",
        "refuse"
      ]
    }
  },
  "KeyInput": {
    "name": {
      "minLength": 1,
      "maxLength": 64
    },
    "scopes": {
      "maxItems": 5
    },
    "policies": {
      "maxItems": 100
    },
    "accounts": {
      "maxItems": 100
    },
    "rate_limit": {
      "minimum": 0,
      "maximum": 10000
    },
    "callback": {},
    "expires_at": {},
    "kind": {}
  },
  "KeyKind": {
    "enum": [
      "live",
      "test"
    ]
  },
  "KeyScope": {
    "enum": [
      "sends:write",
      "sends:read",
      "settings:write",
      "settings:read",
      "admin"
    ]
  },
  "CallbackInput": {
    "url": {
      "minLength": 1,
      "maxLength": 2048,
      "pattern": "^https?://[!-~]+$"
    },
    "events": {
      "maxItems": 32
    }
  },
  "CallbackEvent": {
    "enum": [
      "accepted",
      "submitted",
      "sent",
      "delivered",
      "read",
      "failed",
      "rule_fired",
      "sms_submitted",
      "sms_sent",
      "sms_delivered",
      "sms_read",
      "sms_failed",
      "averted",
      "duplicate_delivery",
      "opted_out",
      "expired",
      "cancelled",
      "confirmed",
      "finished"
    ]
  },
  "SignInInput": {
    "api_key": {
      "minLength": 1,
      "maxLength": 512
    }
  },
  "Outcome": {
    "enum": [
      "pending",
      "whatsapp",
      "sms",
      "unconfirmed",
      "expired",
      "failed",
      "cancelled",
      "confirmed"
    ]
  }
} as const;
