// The field of the search with its results below it: a combobox with a list of groups.
import { Input, type InputRef, Spin } from "antd";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { SearchOutlined } from "../ui/icons";
import { Results } from "./Results";
import { type Found, groupsOf, isShortNumber, onlyRow, type Row } from "./results";
import { useFind } from "./useFind";

interface Props {
  field: RefObject<InputRef | null>;
  isOpen: boolean; // whether the results show
  onOpen: () => void;
  onClose: () => void;
  hint?: ReactNode; // at the end of the field
  beside?: ReactNode;
}

export function SearchPanel({ field, isOpen, onOpen, onClose, hint, beside }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const find = useFind(text);
  const groups = find.found ? groupsOf(find.found) : [];
  const rows = groups.flatMap((group) => group.rows);
  const [active, setActive] = useState(0);
  const [entered, setEntered] = useState<string>(); // the text for which Enter came before its answer
  const listId = useId();
  const current = rows[Math.min(active, rows.length - 1)];
  const open = ({ to }: Row) => {
    setText("");
    setEntered(undefined);
    onClose();
    navigate(to);
    document.getElementById("main")?.focus();
  };
  useEnteredEarly(entered === find.wanted ? find.found : undefined, open, () => setEntered(undefined));

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) {
      return;
    }
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        onOpen();
        const step = event.key === "ArrowDown" ? 1 : rows.length - 1;
        setActive(isOpen && rows.length > 0 ? (Math.min(active, rows.length - 1) + step) % rows.length : 0);
        break;
      }
      case "Enter":
        if (!isOpen) {
          onOpen();
        } else if (current) {
          open(current);
        } else if (find.wanted !== "" && !find.found) {
          setEntered(find.wanted);
          find.askNow();
        }
        break;
      case "Escape":
        if (text !== "") {
          event.stopPropagation(); // the layer of a narrow window stays open
          setText("");
        } else {
          onClose();
          field.current?.blur();
        }
        break;
    }
  };
  const isLoading = find.wanted !== "" && !find.found && !find.failure;
  return (
    <>
      <div className="search-bar">
        <Input
          ref={field}
          className="search-field"
          type="search"
          role="combobox"
          aria-label={t("search.label")}
          aria-expanded={isOpen}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={isOpen && current ? `${listId}-${current.key}` : undefined}
          autoComplete="off"
          spellCheck={false}
          maxLength={255}
          placeholder={t("search.placeholder")}
          prefix={isLoading ? <Spin size="small" /> : <SearchOutlined />}
          suffix={hint}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
            setEntered(undefined);
            onOpen();
          }}
          onFocus={onOpen}
          onClick={onOpen}
          onKeyDown={onKeyDown}
        />
        {beside}
      </div>
      {isOpen && (
        // biome-ignore lint/a11y/noStaticElementInteractions: a press on the results must not take the focus from the field
        <div className="search-results" onMouseDown={(event) => event.preventDefault()}>
          <div id={listId} role="listbox" aria-label={t("search.results")} aria-busy={isLoading}>
            {find.found && (
              <Results
                found={find.found}
                groups={groups}
                active={current}
                idOf={({ key }) => `${listId}-${key}`}
                onOpen={open}
              />
            )}
          </div>
          <Notice text={find.wanted} rows={find.found && rows.length} failure={find.failure} />
        </div>
      )}
    </>
  );
}

/** useEnteredEarly opens the only result when the answer comes, if Enter was pressed before it. */
function useEnteredEarly(found: Found | undefined, open: (row: Row) => void, done: () => void) {
  const act = useRef({ open, done });
  act.current = { open, done };
  useEffect(() => {
    const only = found && onlyRow(found);
    if (found) {
      act.current.done();
    }
    if (only) {
      act.current.open(only);
    }
  }, [found]);
}

interface NoticeProps {
  text: string;
  rows: number | undefined; // undefined without an answer
  failure: Error | null;
}

/** Notice says how many results there are, or that there is nothing, and what can be found. */
function Notice({ text, rows, failure }: NoticeProps) {
  const { t } = useTranslation();
  const isEmpty = text === "" || rows === 0;
  return (
    <>
      <p role="status" className={rows === undefined || rows > 0 ? "visually-hidden" : "search-nothing"}>
        {text !== "" && rows === 0 && t("search.nothing", { text })}
        {rows !== undefined && rows > 0 && t("search.count", { count: rows })}
      </p>
      {failure && <p className="search-failure">{t("search.failed", { detail: failure.message })}</p>}
      {isEmpty && (
        <div className="search-help">
          {text !== "" && isShortNumber(text) ? (
            <p>{t("search.shortNumber")}</p>
          ) : (
            <>
              <p>{t("search.canFind")}</p>
              <ul>
                {(["number", "id", "message", "key", "name"] as const).map((what) => (
                  <li key={what}>{t(`search.what.${what}`)}</li>
                ))}
              </ul>
            </>
          )}
        </div>
      )}
    </>
  );
}
