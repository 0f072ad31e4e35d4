"""The field types that messages share: each has its unit, range or pattern; a field adds what it means."""

from typing import Annotated, Final, Literal

from pydantic import Field

TIME_MIN_US: Final = 946_684_800_000_000  # 2000-01-01T00:00:00Z
TIME_MAX_US: Final = 4_102_444_799_999_999  # the last microsecond of 2099
TIME_UNIT: Final = "µs since 1970 UTC"

UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
USER_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Time = Annotated[int, Field(ge=TIME_MIN_US, le=TIME_MAX_US, json_schema_extra={"unit": TIME_UNIT})]
Interval = tuple[Time, Time]
Zone = Annotated[str, Field(min_length=1, max_length=64)]  # that it exists, schemas.rules says
User = Annotated[str, Field(pattern=USER_PATTERN)]
Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
Token = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$")]
Label = Annotated[str, Field(min_length=1, max_length=64)]  # a name that programs give
Sport = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,31}$")]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Title = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Version = Annotated[str, Field(min_length=1, max_length=100)]
Status = Literal["counted", "duplicate", "deleted"]
Sex = Literal["female", "male", "unspecified"]
Role = Literal["owner", "admin", "member"]

Metres = Annotated[float, Field(ge=0, le=10_000_000, json_schema_extra={"unit": "m"})]
Climb = Annotated[float, Field(ge=0, le=100_000, json_schema_extra={"unit": "m"})]
Seconds = Annotated[float, Field(ge=0, le=5_000_000, json_schema_extra={"unit": "s"})]
SpeedMs = Annotated[float, Field(ge=0, le=100, json_schema_extra={"unit": "m/s"})]
HeartRate = Annotated[float, Field(ge=20, le=250, json_schema_extra={"unit": "bpm"})]
Watts = Annotated[float, Field(ge=0, le=5_000, json_schema_extra={"unit": "W"})]
Cadence = Annotated[float, Field(ge=0, le=300, json_schema_extra={"unit": "rpm"})]
Energy = Annotated[float, Field(ge=0, le=100_000, json_schema_extra={"unit": "kcal"})]
Load = Annotated[float, Field(ge=0, le=1_000_000, json_schema_extra={"unit": "load points"})]
Rpe = Annotated[float, Field(ge=0, le=10, json_schema_extra={"unit": "CR-10"})]
Share = Annotated[float, Field(ge=0, le=1, json_schema_extra={"unit": "1"})]
Real = Annotated[float, Field(json_schema_extra={"unit": "1"})]
Count = Annotated[int, Field(ge=0, le=1_000_000_000, json_schema_extra={"unit": "count"})]
