import { Input } from "antd";
import { useEffect, useRef, useState } from "react";
import { constraints } from "../api/constraints.gen";
import { SearchOutlined } from "./icons";

const pause = 300; // ms without a key, before the search starts

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  maxLength?: number;
}

export function SearchBox({ label, value, onChange, maxLength = constraints.RuleInput.name.maxLength }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const newest = useRef(onChange); // another filter may change during the pause
  useEffect(() => {
    newest.current = onChange;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new text restarts the pause
  useEffect(() => {
    if (text === value) {
      return;
    }
    const timer = setTimeout(() => newest.current(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <Input
      className="search"
      type="search"
      allowClear
      prefix={<SearchOutlined />}
      aria-label={label}
      placeholder={label}
      maxLength={maxLength}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
